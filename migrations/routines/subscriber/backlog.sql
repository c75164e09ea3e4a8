-- The undelivered announcements of these shops (null: of all): how long the oldest has waited (0:
-- none waits), and how many were given up within a day (at most 1,000 per subscriber are counted).
-- Reads the heads of two indexes per subscriber. No locks.
create or replace function holdfast.subscriber_backlog(
    p_shops text[] default null,
    out o_waiting_s double precision, out o_given_up integer)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    with
    waiting as (
        select min(d.created_at) as since
        from subscribers s cross join lateral (
            select e.created_at from subscriber_deliveries e
            where e.shop = s.shop and (p_shops is null or e.shop = any (p_shops))
                and e.name = s.name and e.delivered_at is null and e.given_up_at is null
                and e.created_at >= s.wants_from
            order by e.created_at limit 1) d
        -- announcements from the time when it was disabled are not delivered
        where (p_shops is null or s.shop = any (p_shops)) and s.disabled_at is null),
    given_up as (
        select count(*) as deliveries
        from subscribers s cross join lateral (
            select from subscriber_deliveries e
            where e.shop = s.shop and (p_shops is null or e.shop = any (p_shops))
                and e.name = s.name and e.given_up_at > now() - interval '1 day'
            limit 1000) d
        where p_shops is null or s.shop = any (p_shops))
    select coalesce(greatest(extract(epoch from now() - waiting.since), 0), 0),
        given_up.deliveries::integer
    into o_waiting_s, o_given_up
    from waiting, given_up;
end;
$$;
