-- Checks again what is known to break a promise in a shop, and forgets what is right by now. A
-- broken promise so raises its alarm with every sweep until somebody has mended it. o_changed_s and
-- o_history_s: how long ago the last complete lap of each kind began. What was committed before
-- that is checked. Locks: the deleted rows.
create or replace function holdfast.promises_recheck(
    p_shop text, out o_violations jsonb, out o_changed_s double precision,
    out o_history_s double precision)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_known promise_subject[] := array(
        select row(b.kind, b.a, b.b)::promise_subject from promise_breaches b
        where b.shop = p_shop);
begin
    with found as materialized (select * from promises_violations(p_shop, v_known)),
    mended as (
        delete from promise_breaches b using unnest(v_known) k
        where b.shop = p_shop and b.kind = k.kind and b.a = k.a and b.b = k.b
            and not exists (
                select from found f where f.kind = k.kind and f.a = k.a and f.b = k.b))
    select coalesce(jsonb_agg(jsonb_build_object(
        'promise', f.promise, 'shop', p_shop, 'detail', f.violation)), '[]')
    into o_violations
    from found f;
    select extract(epoch from clock_timestamp()
            - coalesce(max(l.checked_at) filter (where l.lap = 'changed'), s.created_at)),
        extract(epoch from clock_timestamp()
            - coalesce(max(l.checked_at) filter (where l.lap = 'history'), s.created_at))
    into o_changed_s, o_history_s
    from shops s left join promise_laps l on l.shop = s.shop
    where s.shop = p_shop
    group by s.created_at;
end;
$$;
