-- payment_parked_events as release 0.1.0 calls it, for its sweeps while both releases are at work:
-- money only, by its reference. Locks nothing.
create or replace function holdfast.payment_parked(
    p_shop text, p_batch_max integer,
    out o_gateway text, out o_event_key text, out o_reference text, out o_kind text,
    out o_amount_minor bigint, out o_currency text, out o_gateway_payment_id text,
    out o_payload text)
returns setof record
language sql stable security definer set search_path = holdfast, pg_temp as $$
    select e.gateway, e.event_key, e.reference, e.kind, e.amount_minor, e.currency,
        e.gateway_payment_id, e.payload
    from payment_events e
    where e.shop = p_shop and e.outcome = 'parked' and e.kind in ('paid', 'failed', 'dropped')
        and exists (
            select from payments p where p.shop = e.shop and p.reference = e.reference)
    order by e.received_at limit p_batch_max
$$;
