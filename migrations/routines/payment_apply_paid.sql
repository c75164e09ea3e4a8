-- Decides what money that arrived for an order becomes. Checkout, order and payment must be locked
-- by the caller.
--   review          the amount or the currency differs: a person decides, nothing is completed
--   no_effect       this very payment was applied before
--   excess          another payment has paid the order: this one is owed back, and announced
--   completed       the hold was active: deducted, once
--   completed_late  the hold had ended, the stock was taken again
--   refund_due      the hold had ended and the stock (or the coupon's last use) is gone: owed
--                   back, and announced
--   reclaim         as refund_due, but holds that are due stand in the way, and p_reclaim says to
--                   expire them first
create or replace function holdfast.payment_apply_paid(
    p_payment holdfast.payments, p_checkout_id uuid, p_gateway text, p_gateway_payment_id text,
    p_amount_minor bigint, p_currency text, p_reclaim boolean, out o_outcome text,
    out o_reclaim_skus text[], out o_reclaim_coupon text)
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_available integer[];
    v_body jsonb := jsonb_build_object('order_id', p_payment.order_id, 'checkout_id', p_checkout_id,
        'reference', p_payment.reference, 'gateway', p_gateway, 'gateway_payment_id',
            p_gateway_payment_id,
        'amount_minor', p_amount_minor, 'currency', p_currency);
begin
    if p_amount_minor is distinct from p_payment.amount_minor
        or p_currency is distinct from p_payment.currency
    then
        o_outcome := 'review';
        update orders o set status = 'review'
        where o.shop = p_payment.shop and o.order_id = p_payment.order_id
            and o.status = 'awaiting_payment';
        insert into outbox_messages (shop, topic, subject, body, created_at)
        values (p_payment.shop, 'payment.review',
            p_gateway || ':' || coalesce(p_gateway_payment_id, p_payment.reference),
            v_body || jsonb_build_object('expected_minor', p_payment.amount_minor,
                'expected_currency', p_payment.currency), v_now)
        on conflict do nothing;
        return;
    end if;
    if p_payment.status = 'paid' then
        if p_payment.gateway = p_gateway
            and p_payment.gateway_payment_id = p_gateway_payment_id then
            o_outcome := 'no_effect';
        else
            o_outcome := 'excess';
            insert into outbox_messages (shop, topic, subject, body, created_at)
            values (p_payment.shop, 'order.refund_due',
                p_gateway || ':' || coalesce(p_gateway_payment_id, p_payment.reference),
                v_body, v_now)
            on conflict do nothing;
        end if;
        return;
    end if;

    -- The payment first: it is a fact whatever becomes of the goods.
    update payments p
    set status = 'paid', paid_at = v_now, gateway = p_gateway,
        gateway_payment_id = p_gateway_payment_id
    where p.shop = p_payment.shop and p.reference = p_payment.reference;
    perform from checkouts c
    where c.shop = p_payment.shop and c.checkout_id = p_checkout_id and c.status = 'ordered';
    if found then
        o_outcome := 'completed';
        perform order_complete(p_payment.shop, p_payment.order_id);
        return;
    end if;

    select t.o_taken, t.o_refused_skus, t.o_refused_available, t.o_refused_coupon
    into strict o_outcome, o_reclaim_skus, v_available, o_reclaim_coupon
    from order_take_again(p_payment.shop, p_payment.order_id, p_checkout_id) t;
    if o_outcome = 'taken' then
        o_outcome := 'completed_late';
        perform order_complete(p_payment.shop, p_payment.order_id);
    elsif p_reclaim
        and (coupon_is_due(p_payment.shop, o_reclaim_coupon)
            or shortage_verdict(p_payment.shop, o_reclaim_skus, v_available, v_now) <> 'shortage')
    then
        -- the payment is written as paid already: that alone must not be committed
        insert into refused_work (shop) values (p_payment.shop);
        o_outcome := 'reclaim';
    else
        o_outcome := 'refund_due';
        update orders o set status = 'refund_due'
        where o.shop = p_payment.shop and o.order_id = p_payment.order_id;
        insert into outbox_messages (shop, topic, subject, body, created_at)
        values (p_payment.shop, 'order.refund_due',
            p_gateway || ':' || coalesce(p_gateway_payment_id, p_payment.reference), v_body, v_now)
        on conflict do nothing;
    end if;
end;
$$;
