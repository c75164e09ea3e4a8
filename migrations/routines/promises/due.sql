-- What a sweep's check has to do, for every shop in one call: thousands of idle shops need no call
-- of their own. No locks.
--   changed_s  seconds since everything that had changed was checked; 0 if nothing has changed
--   history_s  seconds since the last complete lap through the history began. Without a lap, both
--              count from when the shop was made.
--   changed    a lap through what has changed is under way, or would read something
--   history    a lap through the history is under way, or the last one began an hour ago
--   broken     a subject is known to break a promise
create or replace function holdfast.promises_due()
    returns table (shop text, changed_s double precision, history_s double precision,
        changed boolean, history boolean, broken boolean)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
#variable_conflict use_column
begin
    return query
    with lap as materialized (
        select s.shop, coalesce(c.checked_at, s.created_at) as changed_at,
            coalesce(h.checked_at, s.created_at) as history_at,
            c.shop is null or c.position is not null
                or promises_has_changes(s.shop, c.read_from) as changed,
            h.checked_at is null or h.position is not null
                or h.checked_at < now() - interval '1 hour' as history
        from shops s
            left join promise_laps c on c.shop = s.shop and c.lap = 'changed'
            left join promise_laps h on h.shop = s.shop and h.lap = 'history')
    select l.shop,
        case when l.changed then extract(epoch from clock_timestamp() - l.changed_at) else 0
            end::double precision,
        extract(epoch from clock_timestamp() - l.history_at)::double precision,
        l.changed, l.history,
        exists (select from promise_breaches b where b.shop = l.shop)
    from lap l
    order by l.shop;
end;
$$;
