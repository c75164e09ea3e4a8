-- Parked events whose payment or refund is known now, oldest first, at most p_batch_max. The sweep
-- passes them to payment_record_event again, after their messages have used up their tries. An
-- event that is still unknown after an hour is considered again after a thirtieth of its age: of a
-- month's events that stay parked for ever, a sweep reads a few. A call considers at most 1,000
-- events. Locks: the events (SKIP LOCKED). payment_record_event locks an event again, and notices
-- if another call was faster.
create or replace function holdfast.payment_parked_events(p_shop text, p_batch_max integer)
    returns setof holdfast.payment_events
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_event payment_events%rowtype;
    v_gateways text[];
    v_keys text[];
    v_later timestamptz;
begin
    for v_event in
        select * from payment_events p
        where p.shop = p_shop and p.outcome = 'parked' and p.consider_at <= v_now
        order by p.consider_at limit 1000
        for no key update skip locked
    loop
        if payment_find(p_shop, v_event.gateway, v_event.kind, v_event.reference,
            v_event.gateway_order_id, v_event.gateway_payment_id, v_event.refund_id,
            v_event.gateway_refund_id) is not null
        then
            v_gateways := v_gateways || v_event.gateway;
            v_keys := v_keys || v_event.event_key;
        elsif v_event.received_at < v_now - interval '1 hour' then
            v_later := v_now + (v_now - v_event.received_at) / 30;
            update payment_events e set consider_at = v_later
            where e.shop = p_shop and e.gateway = v_event.gateway
                and e.event_key = v_event.event_key;
        end if;
    end loop;
    -- by their keys: a payload may have a megabyte, and few are answered
    return query
        select e.* from unnest(v_gateways, v_keys) known (gateway, event_key)
            join payment_events e on e.shop = p_shop and e.gateway = known.gateway
                and e.event_key = known.event_key
        order by e.received_at limit p_batch_max;
end;
$$;
