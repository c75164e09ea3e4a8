-- Records that p_amount_minor of a capture is owed back, and announces it. The sweeper sends the
-- refund. If a bank disputes the capture, the refund fails at once and waits for a person, unless
-- p_despite_dispute. A constraint of the capture refuses to give back money twice. The caller has
-- locked checkout, order and payment. Locks: the capture. Returns null, and does nothing, if
-- p_refund_id is in use.
create or replace function holdfast.refund_owe(
    p_capture holdfast.payment_captures, p_order_id uuid, p_amount_minor bigint, p_reason text,
    p_refund_id uuid default gen_random_uuid(), p_actor text default 'holdfast',
    p_note text default null, p_request_id uuid default null, p_request_hash bytea default null,
    p_despite_dispute boolean default false) returns uuid
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_checkout_id uuid;
begin
    insert into refunds (shop, refund_id, order_id, reference, gateway, gateway_payment_id,
        amount_minor, currency, reason, request_id, request_hash, next_try_at, actor, note,
        created_at, despite_dispute)
    values (p_capture.shop, p_refund_id, p_order_id, p_capture.reference, p_capture.gateway,
        p_capture.gateway_payment_id, p_amount_minor, p_capture.currency, p_reason, p_request_id,
        p_request_hash, v_now, p_actor, p_note, v_now, p_despite_dispute)
    on conflict do nothing;
    if not found then
        return null;
    end if;
    select o.checkout_id into v_checkout_id from orders o
    where o.shop = p_capture.shop and o.order_id = p_order_id;
    insert into outbox_messages (shop, topic, subject, body, created_at)
    values (p_capture.shop, 'order.refund_due',
        -- a late or excess capture is owed back once; staff may request several refunds of a
        -- capture
        p_capture.gateway || ':' || p_capture.gateway_payment_id
            || case when p_reason in ('late', 'excess') then '' else ':' || p_refund_id end,
        jsonb_build_object('refund_id', p_refund_id, 'order_id', p_order_id,
            'checkout_id', v_checkout_id,
            'reference', p_capture.reference, 'gateway', p_capture.gateway,
            'gateway_payment_id', p_capture.gateway_payment_id, 'amount_minor', p_amount_minor,
            'currency', p_capture.currency, 'reason', p_reason), v_now)
    on conflict do nothing;
    perform refund_stop_disputed(p_capture.shop, p_order_id);
    return p_refund_id;
end;
$$;
