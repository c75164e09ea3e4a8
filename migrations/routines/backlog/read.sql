-- The work that waits now, in all shops:
-- - how long the oldest due checkout has been due;
-- - how long the oldest unsent outbox message has waited;
-- - how many parked events report money (at most 1,000 of a shop are counted), and the age of the
--   oldest (parked events of other kinds may stay for ever);
-- - how many sessions of this database wait for a lock, and the longest of these waits;
-- - how many units open checkouts hold without an order, and the largest share of one sku that they
--   hold, in percent, of the skus with at least 10 units on hand. Of each shop it reads at most
--   20,000 active holds, whole skus first;
-- - how many things the functions' roles have changed by themselves (role_check).
-- 0 where nothing waits. Reads the head of one index per shop, active holds, and the server's
-- tables of locks and roles. No locks.
create or replace function holdfast.backlog_read(
    out o_due_s double precision, out o_unsent_s double precision,
    out o_parked integer, out o_parked_s double precision,
    out o_lock_waiters integer, out o_lock_wait_ms double precision,
    out o_units_held integer, out o_share_held double precision, out o_roles_changed integer)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    with
    due as (
        select min(d.expires_at) as since
        from shops s cross join lateral (
            select c.expires_at from checkouts c
            where c.shop = s.shop and c.ended_at is null order by c.expires_at limit 1) d),
    unsent as (
        select min(d.created_at) as since
        from shops s cross join lateral (
            select b.created_at from outbox_messages b
            where b.shop = s.shop and b.sent_at is null order by b.created_at limit 1) d),
    parked as (
        select count(*) as events, min(e.received_at) as since
        from shops s cross join lateral (
            select p.received_at from payment_events p
            where p.shop = s.shop and p.outcome = 'parked' and p.kind = 'paid'
            order by p.received_at limit 1000) e),
    waiter as (
        -- waitstart is null in the first moment of a wait
        select count(*) as sessions, min(l.waitstart) as since
        from pg_locks l join pg_stat_activity a on a.pid = l.pid
        where not l.granted and a.datname = current_database()),
    unordered as (
        select h.shop, h.sku, sum(h.quantity) as units
        from shops s
            cross join lateral (
                select a.shop, a.sku, a.checkout_id, a.quantity from holds a
                where a.shop = s.shop and a.status = 'active'
                order by a.sku, a.expires_at limit 20000) h
            join checkouts c on c.shop = h.shop and c.checkout_id = h.checkout_id
        where c.status = 'open'
        group by 1, 2),
    held as (
        select sum(u.units) as units,
            max(100.0 * u.units / l.on_hand) filter (where l.on_hand >= 10) as share
        from unordered u join stock_levels l on l.shop = u.shop and l.sku = u.sku),
    role as (select count(*) as changes from role_check() c where c.o_by_itself)
    select coalesce(greatest(extract(epoch from now() - due.since), 0), 0),
        coalesce(greatest(extract(epoch from now() - unsent.since), 0), 0),
        parked.events::integer,
        coalesce(greatest(extract(epoch from now() - parked.since), 0), 0),
        waiter.sessions::integer,
        coalesce(greatest(extract(epoch from clock_timestamp() - waiter.since) * 1000, 0), 0),
        least(coalesce(held.units, 0), 2147483647)::integer,
        coalesce(held.share, 0)::double precision, role.changes::integer
    into o_due_s, o_unsent_s, o_parked, o_parked_s, o_lock_waiters, o_lock_wait_ms, o_units_held,
        o_share_held, o_roles_changed
    from due, unsent, parked, waiter, held, role;
end;
$$;
