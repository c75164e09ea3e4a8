-- The body of a stored event, as it came. The caller parses and records it again, because a newer
-- adapter may know its kind, or because its payment may be known now. Null: there is no event with
-- this key. No locks.
create or replace function holdfast.payment_redrive(
    p_shop text, p_gateway text, p_event_key text) returns text
language sql stable security definer set search_path = holdfast, pg_temp as $$
    select e.payload from payment_events e
    where e.shop = p_shop and e.gateway = p_gateway and e.event_key = p_event_key
$$;
