-- What a sweep's check has to do, for these shops (null: for all) in one call: thousands of idle
-- shops need no call of their own. No locks.
--   changed_s  seconds since everything that had changed was checked; 0 if nothing has changed
--   history_s  seconds since the last complete lap through the history began. Without a lap, both
--              count from when the shop was made.
--   changed    a lap through what has changed is under way, or would read something
--   history    a lap through the history is under way, or the last one began an hour ago
--   broken     a subject is known to break a promise
create or replace function holdfast.promises_due(p_shops text[] default null)
    returns table (shop text, changed_s double precision, history_s double precision,
        changed boolean, history boolean, broken boolean)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
#variable_conflict use_column
declare
    v_lap record;
begin
    for v_lap in
        select s.shop, coalesce(c.checked_at, s.created_at) as changed_at,
            coalesce(h.checked_at, s.created_at) as history_at,
            c.shop is null or c.position is not null as under_way, c.read_from,
            h.checked_at is null or h.position is not null
                or h.checked_at < now() - interval '1 hour' as history,
            exists (
                select from promise_breaches b
                where b.shop = s.shop and (p_shops is null or b.shop = any (p_shops))) as broken
        from shops s
            left join promise_laps c on c.shop = s.shop and c.lap = 'changed'
                and (p_shops is null or c.shop = any (p_shops))
            left join promise_laps h on h.shop = s.shop and h.lap = 'history'
                and (p_shops is null or h.shop = any (p_shops))
        where p_shops is null or s.shop = any (p_shops)
        order by s.shop
    loop
        shop := v_lap.shop;
        changed := v_lap.under_way or promises_has_changes(v_lap.shop, v_lap.read_from);
        changed_s := case when changed
            then extract(epoch from clock_timestamp() - v_lap.changed_at) else 0 end;
        history_s := extract(epoch from clock_timestamp() - v_lap.history_at);
        history := v_lap.history;
        broken := v_lap.broken;
        return next;
    end loop;
end;
$$;
