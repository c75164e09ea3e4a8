-- Deletes messages of one shop that were sent more than p_older_than ago and are no longer needed:
-- stock crossings, and expired checkouts, which are as many as the shoppers. Messages about money
-- and to customers stay, because promises_check and the history look for them. Also deletes
-- subscribers' deliveries that ended that long ago, and those of deleted subscribers; and gives up
-- those that a subscriber no longer wants, because it was disabled. At most p_batch_max rows of
-- each. Returns the number of rows. Locks: the deleted rows (SKIP LOCKED); subscribers (SKIP
-- LOCKED), and the deliveries that they no longer want.
create or replace function holdfast.outbox_purge(p_shop text, p_older_than interval,
    p_batch_max integer) returns integer
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_purged integer;
    v_told integer;
    v_orphans integer;
    v_unwanted integer := 0;
    v_subscriber subscribers%rowtype;
begin
    if p_older_than < interval '1 day' then
        raise exception using errcode = 'invalid_parameter_value',
            message = 'outbox_purge: what was sent is kept for at least a day';
    end if;
    -- materialized: a join would repeat the subquery, and each time it would take other rows
    with old as materialized (
        select d.topic, d.subject from outbox_messages d
        where d.shop = p_shop and d.sent_at < now() - p_older_than
            and d.topic in ('stock.low', 'stock.back', 'checkout.expired')
            and not exists (
                select from subscriber_deliveries s
                where s.shop = p_shop and s.topic = d.topic and s.subject = d.subject
                    and s.delivered_at is null and s.given_up_at is null)
        order by d.sent_at limit p_batch_max for update skip locked)
    delete from outbox_messages b using old
    where b.shop = p_shop and b.topic = old.topic and b.subject = old.subject;
    get diagnostics v_purged = row_count;
    with old as materialized (
        select d.name, d.topic, d.subject from subscriber_deliveries d
        where d.shop = p_shop and coalesce(d.delivered_at, d.given_up_at) < now() - p_older_than
        order by coalesce(d.delivered_at, d.given_up_at)
        limit p_batch_max for update skip locked)
    delete from subscriber_deliveries s using old
    where s.shop = p_shop and s.name = old.name and s.topic = old.topic
        and s.subject = old.subject;
    get diagnostics v_told = row_count;
    -- each name once, by the primary key
    with recursive names as (
        (select d.name from subscriber_deliveries d where d.shop = p_shop order by d.name limit 1)
        union all
        select (select d.name from subscriber_deliveries d
            where d.shop = p_shop and d.name > n.name order by d.name limit 1)
        from names n where n.name is not null),
    old as materialized (
        select d.name, d.topic, d.subject from names n cross join lateral (
            select * from subscriber_deliveries o
            where o.shop = p_shop and o.name = n.name
                and not exists (
                    select from subscribers k where k.shop = p_shop and k.name = n.name)
            order by o.topic, o.subject limit p_batch_max) d
        limit p_batch_max)
    delete from subscriber_deliveries s using old
    where s.shop = p_shop and s.name = old.name and s.topic = old.topic
        and s.subject = old.subject;
    get diagnostics v_orphans = row_count;
    for v_subscriber in
        select * from subscribers k where k.shop = p_shop for no key update skip locked
    loop
        v_unwanted := v_unwanted + subscriber_give_up(p_shop, v_subscriber.name,
            case when v_subscriber.disabled_at is null then v_subscriber.wants_from
                else 'infinity' end, p_batch_max);
    end loop;
    return v_purged + v_told + v_orphans + v_unwanted;
end;
$$;
