-- Decides what money that arrived for an order becomes. Checkout, order and payment must be locked
-- by the caller. A capture is kept once, however often it is told of; captures add up.
--   no_effect       this very capture was applied before
--   review          another currency, more than the total at once, no amount, or a capture that is
--                   known with other words: a person decides. Also a part of the total: the order
--                   waits in review for the rest, its stock held until its time is up
--   excess          the order is paid already: all of it is owed back, and announced
--   completed       the total is reached and the hold was active: deducted, once
--   completed_late  the hold had ended, the stock was taken again
--   refund_due      the hold had ended and the stock (or the coupon's last use) is gone: all that
--                   was captured is owed back, and announced
--   reclaim         as refund_due, but holds that are due stand in the way, and p_reclaim says to
--                   expire them first
-- What came beyond the total is owed back of the capture that reached it.
create or replace function holdfast.payment_apply_paid(
    p_payment holdfast.payments, p_checkout_id uuid, p_gateway text, p_gateway_payment_id text,
    p_amount_minor bigint, p_currency text, p_reclaim boolean, out o_outcome text,
    out o_reclaim_skus text[], out o_reclaim_coupon text)
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_available integer[];
    v_kept record;
begin
    select * into strict v_kept from payment_capture(p_payment, p_checkout_id, p_gateway,
        coalesce(p_gateway_payment_id, p_payment.reference), p_amount_minor, p_currency);
    o_outcome := v_kept.o_outcome;
    if o_outcome <> 'enough' then
        return;
    end if;

    -- The payment first: it is a fact whatever becomes of the goods.
    update payments p
    set status = 'paid', paid_at = v_now, gateway = p_gateway,
        gateway_payment_id = (v_kept.o_capture).gateway_payment_id
    where p.shop = p_payment.shop and p.reference = p_payment.reference;
    perform from checkouts c
    where c.shop = p_payment.shop and c.checkout_id = p_checkout_id and c.status = 'ordered';
    if found then
        o_outcome := 'completed';
    else
        select t.o_taken, t.o_refused_skus, t.o_refused_available, t.o_refused_coupon
        into strict o_outcome, o_reclaim_skus, v_available, o_reclaim_coupon
        from order_take_again(p_payment.shop, p_payment.order_id, p_checkout_id) t;
        o_outcome := case
            when o_outcome = 'taken' then 'completed_late'
            when p_reclaim and (coupon_is_due(p_payment.shop, o_reclaim_coupon)
                or shortage_verdict(p_payment.shop, o_reclaim_skus, v_available, v_now)
                    <> 'shortage') then 'reclaim'
            else 'refund_due'
        end;
    end if;
    if o_outcome = 'reclaim' then
        -- the payment is written as paid already: that alone must not be committed
        insert into refused_work (shop) values (p_payment.shop);
    elsif o_outcome = 'refund_due' then
        update orders o set status = 'refund_due'
        where o.shop = p_payment.shop and o.order_id = p_payment.order_id;
        perform refund_owe(c, p_payment.order_id, c.amount_minor - c.refunded_minor, 'late')
        from payment_captures c
        where c.shop = p_payment.shop and c.reference = p_payment.reference and c.counts
            and c.amount_minor > c.refunded_minor
        order by c.captured_at, c.gateway_payment_id;
    else
        perform order_complete(p_payment.shop, p_payment.order_id);
        if v_kept.o_captured > p_payment.amount_minor then
            perform refund_owe(v_kept.o_capture, p_payment.order_id,
                v_kept.o_captured - p_payment.amount_minor, 'excess');
        end if;
    end if;
end;
$$;
