-- Parked events whose payment is known by now, oldest first, at most p_batch_max: what the sweep
-- hands to payment_record_event once more, after their messages have had all their tries. Locks
-- nothing: whoever records an event locks it and finds out whether somebody was faster.
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
    where e.shop = p_shop and e.outcome = 'parked'
        and exists (
            select from payments p where p.shop = e.shop and p.reference = e.reference)
    order by e.received_at limit p_batch_max
$$;
