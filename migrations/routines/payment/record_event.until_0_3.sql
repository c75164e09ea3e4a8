-- payment_record_event as release 0.1.0 calls it: while both releases are at work, its functions go
-- on. They know no refunds and no disputes, and call them `other`.
create or replace procedure holdfast.payment_record_event(
    p_shop text, p_gateway text, p_event_key text, p_reference text, p_kind text,
    p_amount_minor bigint, p_currency text, p_gateway_payment_id text, p_payload text,
    inout o_outcome text default null, inout o_order_id uuid default null,
    inout o_reclaim_skus text[] default null)
language plpgsql as $$
begin
    call holdfast.payment_record_event(p_shop, p_gateway, p_event_key, p_reference, p_kind,
        p_amount_minor, p_currency, p_gateway_payment_id, p_payload, null::text, null::uuid,
        null::text, null::jsonb, o_outcome, o_order_id, o_reclaim_skus);
end;
$$;
