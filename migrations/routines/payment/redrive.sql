-- The body of a stored event, as it came. The caller parses and records it again, because a newer
-- adapter may know its kind, or because its payment may be known now. A parked event keeps p_actor.
-- Null: there is no event with this key. Locks: the event, if it is parked.
create or replace function holdfast.payment_redrive(
    p_shop text, p_gateway text, p_event_key text, p_actor text) returns text
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    -- the effect of other events is final
    update payment_events e set retried_by = p_actor
    where e.shop = p_shop and e.gateway = p_gateway and e.event_key = p_event_key
        and e.outcome = 'parked';
    return (
        select e.payload from payment_events e
        where e.shop = p_shop and e.gateway = p_gateway and e.event_key = p_event_key);
end;
$$;
