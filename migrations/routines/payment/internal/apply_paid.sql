-- Decides the effect of money that arrived for an order. The caller has locked checkout, order and
-- payment. A capture is stored once, even if several events report it. Captures add up.
--   no_effect       this capture was applied before
--   review          another currency, more than the total at once, no amount, or a known capture
--                   with other facts: a person decides. Also a part of the total: the order waits
--                   in review for the rest, and keeps its stock until its hold ends
--   excess          the order is paid already: all of this money is owed back, and announced
--   completed       the total is reached and the hold was active: stock is deducted, once
--   completed_late  the hold had ended, and the stock could be held again
--   refund_due      the hold had ended, and the stock (or the coupon's last use) is gone, or a sku
--                   is no longer on sale: all captured money is owed back, and announced
--   again, reclaim  the hold had ended: as in order_hold_again; can't be committed
-- Money beyond the total is owed back from the capture that reached the total.
create or replace function holdfast.payment_apply_paid(
    p_payment holdfast.payments, p_checkout_id uuid, p_gateway text, p_gateway_payment_id text,
    p_amount_minor bigint, p_currency text, p_reclaim boolean) returns holdfast.payment_answer
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_answer payment_answer;
    v_captured record;
    v_capture payment_captures%rowtype;
    v_held hold_answer;
    v_now timestamptz;
begin
    v_answer.o_order_id := p_payment.order_id;
    select * into strict v_captured from payment_capture(p_payment, p_checkout_id, p_gateway,
        coalesce(p_gateway_payment_id, p_payment.reference), p_amount_minor, p_currency);
    v_answer.o_outcome := v_captured.o_outcome;
    if v_answer.o_outcome <> 'enough' then
        return v_answer;
    end if;

    -- The payment first: it is a fact, with or without the goods.
    v_now := clock_timestamp();
    v_capture := v_captured.o_capture;
    update payments p
    set status = 'paid', paid_at = v_now, look_up_at = v_now, gateway = p_gateway,
        gateway_payment_id = v_capture.gateway_payment_id
    where p.shop = p_payment.shop and p.reference = p_payment.reference;
    perform from checkouts c
    where c.shop = p_payment.shop and c.checkout_id = p_checkout_id and c.status = 'ordered';
    if found then
        v_answer.o_outcome := 'completed';
    else
        v_held := order_hold_again(
            p_payment.shop, p_payment.order_id, p_checkout_id, p_reclaim);
        v_answer.o_reclaim := v_held.o_reclaim;
        v_answer.o_outcome := case
            when v_held.o_outcome = 'held' then 'completed_late'
            when v_held.o_outcome in ('again', 'reclaim') then v_held.o_outcome
            else 'refund_due'
        end;
    end if;
    if v_answer.o_outcome in ('again', 'reclaim') then
        -- the payment is written as paid, and must not be committed alone
        insert into must_roll_back (shop) values (p_payment.shop);
    elsif v_answer.o_outcome = 'refund_due' then
        update orders o set status = 'refund_due'
        where o.shop = p_payment.shop and o.order_id = p_payment.order_id;
        for v_capture in
            select * from payment_captures c
            where c.shop = p_payment.shop and c.reference = p_payment.reference and c.counts
                and c.amount_minor > c.refunded_minor
            order by c.captured_at, c.gateway_payment_id
        loop
            perform refund_owe(v_capture, p_payment.order_id,
                v_capture.amount_minor - v_capture.refunded_minor, 'late');
        end loop;
    else
        perform order_complete(p_payment.shop, array[p_payment.order_id]);
        if v_captured.o_captured > p_payment.amount_minor then
            perform refund_owe(v_capture, p_payment.order_id,
                v_captured.o_captured - p_payment.amount_minor, 'excess');
        end if;
    end if;
    return v_answer;
end;
$$;
