-- Records a refund that was made at the gateway and not by this service. The caller has locked the
-- capture's order. The refund begins as `sending`, and refund_move moves it on in the same
-- transaction. If it is known only as failed (p_failed), nobody owes it. Returns null without an
-- amount, or if it is more than is left of the capture. Locks: the capture.
create or replace function holdfast.refund_record_external(
    p_capture holdfast.payment_captures, p_amount_minor bigint, p_gateway_refund_id text,
    p_failed boolean) returns holdfast.refunds
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_refund refunds%rowtype;
begin
    insert into refunds (shop, refund_id, order_id, reference, gateway, gateway_payment_id,
        amount_minor, currency, reason, status, void, next_try_at, gateway_refund_id, actor,
        created_at)
    select p_capture.shop, gen_random_uuid(), p.order_id, p_capture.reference, p_capture.gateway,
        p_capture.gateway_payment_id, p_amount_minor, p_capture.currency, 'gateway', 'sending',
        p_failed, v_now, p_gateway_refund_id, 'gateway', v_now
    from payments p
    where p.shop = p_capture.shop and p.reference = p_capture.reference
    returning * into v_refund;
    return v_refund;
exception when check_violation or not_null_violation then
    return null;
end;
$$;
