-- Checks again what is known to break a promise in a shop, and forgets what is right by now. A
-- broken promise so raises its alarm with every sweep until somebody has mended it. Locks: the
-- known breaches, by kind and key.
create or replace function holdfast.promises_recheck(p_shop text, out o_violations jsonb)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    -- Locked before their rows are read: a lap that finds one broken again waits, and then reports
    -- it.
    v_known promise_subject[] := array(
        select row(b.kind, b.a, b.b)::promise_subject from promise_breaches b
        where b.shop = p_shop order by b.kind, b.a, b.b for update);
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
end;
$$;
