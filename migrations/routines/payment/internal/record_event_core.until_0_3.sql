-- payment_record_event_core as the payment_record_event of release 0.1.0 calls it, whose functions
-- may run on that release's own routines meanwhile.
create or replace function holdfast.payment_record_event_core(
    p_shop text, p_gateway text, p_event_key text, p_reference text, p_kind text,
    p_amount_minor bigint, p_currency text, p_gateway_payment_id text, p_payload text,
    p_reclaim boolean,
    out o_outcome text, out o_order_id uuid, out o_reclaim_skus text[],
    out o_reclaim_coupon text)
language sql security definer set search_path = holdfast, pg_temp as $$
    select * from payment_record_event_core(p_shop, p_gateway, p_event_key, p_reference, p_kind,
        p_amount_minor, p_currency, p_gateway_payment_id, p_payload, null, null, null, null,
        p_reclaim)
$$;
