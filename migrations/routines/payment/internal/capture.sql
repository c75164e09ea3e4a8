-- Stores a capture, once, and decides its meaning for its order: no_effect (known), review
-- (announced), excess (the order is paid already: owed back), or enough, with the sum of the
-- order's captures minus their refunds. The caller has locked checkout, order and payment. Locks:
-- the capture, and a concurrent insert of it.
create or replace function holdfast.payment_capture(
    p_payment holdfast.payments, p_checkout_id uuid, p_gateway text, p_gateway_payment_id text,
    p_amount_minor bigint, p_currency text,
    out o_outcome text, out o_capture holdfast.payment_captures, out o_captured bigint)
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_counts boolean := coalesce(p_currency = p_payment.currency
        and p_amount_minor between 1 and p_payment.amount_minor, false);
    -- the gateway's payment; a contradicting capture gets a message of its own
    v_subject text := p_gateway || ':' || p_gateway_payment_id;
begin
    insert into payment_captures (shop, gateway, gateway_payment_id, reference, amount_minor,
        currency, counts, captured_at)
    values (p_payment.shop, p_gateway, p_gateway_payment_id, p_payment.reference, p_amount_minor,
        p_currency, v_counts, clock_timestamp())
    on conflict do nothing
    returning * into o_capture;
    if not found then
        select * into strict o_capture from payment_captures c
        where c.shop = p_payment.shop and c.gateway = p_gateway
            and c.gateway_payment_id = p_gateway_payment_id;
        if (o_capture.reference, o_capture.amount_minor, o_capture.currency)
            is not distinct from (p_payment.reference, p_amount_minor, p_currency)
        then
            o_outcome := 'no_effect';
            return;
        end if;
        -- a gateway takes a payment once: with another amount or order it can't count here
        v_counts := false;
        v_subject := v_subject || ':' || p_payment.reference;
    end if;
    if v_counts and p_payment.status = 'paid' then
        o_outcome := 'excess';
        perform refund_owe(o_capture, p_payment.order_id, o_capture.amount_minor, 'excess');
        perform order_refund_status(p_payment.shop, p_payment.order_id);
        return;
    end if;
    select coalesce(sum(c.amount_minor - c.refunded_minor), 0) into o_captured
    from payment_captures c
    where c.shop = p_payment.shop and c.reference = p_payment.reference and c.counts;
    -- race(parts_add_up): this part is written, the other one not seen
    if v_counts and o_captured >= p_payment.amount_minor then
        o_outcome := 'enough';
        return;
    end if;
    o_outcome := 'review';
    update orders o set status = 'review'
    where o.shop = p_payment.shop and o.order_id = p_payment.order_id
        and o.status in ('awaiting_payment', 'expired', 'cancelled')
        -- a booking that was paid at the desk and cancelled there stays so
        and p_payment.status <> 'paid';
    insert into outbox_messages (shop, topic, subject, body, created_at)
    values (p_payment.shop, 'payment.review', v_subject, jsonb_build_object(
        'order_id', p_payment.order_id, 'checkout_id', p_checkout_id,
        'reference', p_payment.reference, 'gateway', p_gateway,
        'gateway_payment_id', p_gateway_payment_id,
        'amount_minor', p_amount_minor, 'currency', p_currency,
        'expected_minor', p_payment.amount_minor, 'expected_currency', p_payment.currency,
        'captured_minor', o_captured), clock_timestamp())
    on conflict do nothing;
end;
$$;
