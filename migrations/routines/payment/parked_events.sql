-- Parked events whose payment or refund is known now, oldest first, at most p_batch_max. The sweep
-- passes them to payment_record_event again, after their messages have used up their tries. An
-- event that is still unknown after an hour is considered again after a thirtieth of its age: of a
-- month's events that stay parked for ever, a sweep reads a few. A call considers at most 1,000
-- events. Locks: the
-- events (SKIP LOCKED). payment_record_event locks an event again, and notices if another call was
-- faster.
create or replace function holdfast.payment_parked_events(p_shop text, p_batch_max integer)
    returns setof holdfast.payment_events
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
begin
    return query
        with considered as materialized (
            select e.gateway, e.event_key, payment_find(p_shop, e.gateway, e.kind, e.reference,
                e.gateway_order_id, e.gateway_payment_id, e.refund_id, e.gateway_refund_id)
                is not null as known
            from (
                select * from payment_events p
                where p.shop = p_shop and p.outcome = 'parked' and p.consider_at <= v_now
                order by p.consider_at limit 1000
                for no key update skip locked) e),
        later as (
            update payment_events e set consider_at = v_now + (v_now - e.received_at) / 30
            from considered c
            where not c.known and e.received_at < v_now - interval '1 hour'
                and e.shop = p_shop and e.gateway = c.gateway
                and e.event_key = c.event_key)
        select e.* from considered c
            join payment_events e on e.shop = p_shop and e.gateway = c.gateway
                and e.event_key = c.event_key
        where c.known
        order by e.received_at limit p_batch_max;
end;
$$;
