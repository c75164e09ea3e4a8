-- Deletes a subscriber, and 1,000 of its deliveries; outbox_purge deletes the others. Outcomes:
-- deleted, not_found. Locks: the subscriber, its deliveries (SKIP LOCKED).
create or replace function holdfast.subscriber_delete(p_shop text, p_name text) returns text
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    delete from subscribers s where s.shop = p_shop and s.name = p_name;
    if not found then
        return 'not_found';
    end if;
    -- materialized: a join would repeat the subquery, and each time it would take other rows
    with old as materialized (
        select o.topic, o.subject from subscriber_deliveries o
        where o.shop = p_shop and o.name = p_name
        order by o.topic, o.subject limit 1000 for update skip locked)
    delete from subscriber_deliveries d using old
    where d.shop = p_shop and d.name = p_name and d.topic = old.topic and d.subject = old.subject;
    return 'deleted';
end;
$$;
