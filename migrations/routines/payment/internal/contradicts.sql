-- Whether a message reports other facts than the stored event of its key: another kind, amount,
-- currency, payment, refund, dispute or stage of a dispute. A fact that one of them lacks
-- contradicts nothing.
create or replace function holdfast.payment_contradicts(
    p_stored holdfast.payment_events, p_said holdfast.payment_events) returns boolean
language sql immutable set search_path = holdfast, pg_temp as $$
    select p_stored.kind <> p_said.kind
        or coalesce(p_stored.amount_minor <> p_said.amount_minor, false)
        or coalesce(p_stored.currency <> p_said.currency, false)
        or coalesce(p_stored.gateway_payment_id <> p_said.gateway_payment_id, false)
        or coalesce(p_stored.refund_id <> p_said.refund_id, false)
        or coalesce(p_stored.gateway_refund_id <> p_said.gateway_refund_id, false)
        or coalesce(p_stored.dispute_id <> p_said.dispute_id, false)
        or coalesce(p_stored.dispute_stage <> p_said.dispute_stage, false)
$$;
