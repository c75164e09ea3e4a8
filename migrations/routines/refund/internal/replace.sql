-- Replaces a bounced refund by a new one, because the gateway keeps the old id as failed for ever.
-- The caller has locked the order and the refund. Locks: the capture.
create or replace function holdfast.refund_replace(
    p_refund holdfast.refunds, p_actor text, p_despite_dispute boolean) returns holdfast.refunds
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_refund refunds%rowtype;
begin
    update refunds r set void = true
    where r.shop = p_refund.shop and r.refund_id = p_refund.refund_id;
    insert into refunds (shop, refund_id, order_id, reference, gateway, gateway_payment_id,
        amount_minor, currency, reason, request_id, request_hash, retry_of, next_try_at, actor,
        note, created_at, despite_dispute)
    values (p_refund.shop, gen_random_uuid(), p_refund.order_id, p_refund.reference,
        p_refund.gateway, p_refund.gateway_payment_id, p_refund.amount_minor, p_refund.currency,
        p_refund.reason, p_refund.request_id, p_refund.request_hash, p_refund.refund_id, v_now,
        p_actor, p_refund.note, v_now, p_despite_dispute)
    returning * into v_refund;
    return v_refund;
end;
$$;
