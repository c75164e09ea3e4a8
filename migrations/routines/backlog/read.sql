-- The work that waits now, in these shops (null: in all; none: says nothing of shops), and on this
-- server:
-- - how long the oldest due checkout has been due;
-- - how long the oldest unsent outbox message has waited;
-- - how many parked events report money (at most 1,000 of a shop are counted), and the age of the
--   oldest (parked events of other kinds may stay for ever);
-- - how many sessions of this database wait for a lock, and the longest of these waits;
-- - how many things the functions' roles have changed by themselves (role_check).
-- 0 where nothing waits. Reads the head of one index per shop, and the server's tables of locks and
-- roles. No locks.
create or replace function holdfast.backlog_read(
    p_shops text[] default null,
    out o_due_s double precision, out o_unsent_s double precision,
    out o_parked integer, out o_parked_s double precision,
    out o_lock_waiters integer, out o_lock_wait_ms double precision, out o_roles_changed integer)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    with
    waiter as (
        -- waitstart is null in the first moment of a wait
        select count(*) as sessions, min(l.waitstart) as since
        from pg_locks l join pg_stat_activity a on a.pid = l.pid
        where not l.granted and a.datname = current_database()),
    role as (select count(*) as changes from role_check() c where c.o_by_itself)
    select waiter.sessions::integer,
        coalesce(greatest(extract(epoch from clock_timestamp() - waiter.since) * 1000, 0), 0),
        role.changes::integer, 0, 0, 0, 0
    into o_lock_waiters, o_lock_wait_ms, o_roles_changed, o_due_s, o_unsent_s, o_parked, o_parked_s
    from waiter, role;
    -- Citus would ask every shard
    if p_shops = '{}' then
        return;
    end if;
    with
    due as (
        select min(d.expires_at) as since
        from shops s cross join lateral (
            select c.expires_at from checkouts c
            where c.shop = s.shop and (p_shops is null or c.shop = any (p_shops))
                and c.ended_at is null
            order by c.expires_at limit 1) d
        where p_shops is null or s.shop = any (p_shops)),
    unsent as (
        select min(d.created_at) as since
        from shops s cross join lateral (
            select b.created_at from outbox_messages b
            where b.shop = s.shop and (p_shops is null or b.shop = any (p_shops))
                and b.sent_at is null
            order by b.created_at limit 1) d
        where p_shops is null or s.shop = any (p_shops)),
    parked as (
        select count(*) as events, min(e.received_at) as since
        from shops s cross join lateral (
            select p.received_at from payment_events p
            where p.shop = s.shop and (p_shops is null or p.shop = any (p_shops))
                and p.outcome = 'parked' and p.kind = 'paid'
            order by p.received_at limit 1000) e
        where p_shops is null or s.shop = any (p_shops))
    select coalesce(greatest(extract(epoch from now() - due.since), 0), 0),
        coalesce(greatest(extract(epoch from now() - unsent.since), 0), 0),
        parked.events::integer,
        coalesce(greatest(extract(epoch from now() - parked.since), 0), 0)
    into o_due_s, o_unsent_s, o_parked, o_parked_s
    from due, unsent, parked;
end;
$$;
