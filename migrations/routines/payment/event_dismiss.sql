-- Puts a parked event aside, because a person found out that its money is not for this deployment.
-- The event stays as evidence, with the actor, and is not tried again. Outcomes: dismissed (by this
-- call or before), resolved (the event has had its effect, which is history), not_found. Locks: the
-- event.
create or replace function holdfast.payment_event_dismiss(
    p_shop text, p_gateway text, p_event_key text, p_actor text, out o_outcome text)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
begin
    select e.outcome into o_outcome from payment_events e
    where e.shop = p_shop and e.gateway = p_gateway and e.event_key = p_event_key
        for no key update;
    if o_outcome = 'parked' then
        update payment_events e
        set outcome = 'dismissed', actor = p_actor, resolved_at = v_now
        where e.shop = p_shop and e.gateway = p_gateway and e.event_key = p_event_key;
    end if;
    o_outcome := case
        when o_outcome is null then 'not_found'
        when o_outcome in ('parked', 'dismissed') then 'dismissed'
        else 'resolved'
    end;
end;
$$;
