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
    v_broken promise_subject[];
    v_mended promise_subject[];
begin
    select array_agg(row(f.kind, f.a, f.b)::promise_subject), coalesce(jsonb_agg(
        jsonb_build_object('promise', f.promise, 'shop', p_shop, 'detail', f.violation)), '[]')
    into v_broken, o_violations
    from promises_violations(p_shop, v_known) f;
    v_mended := array(select k from unnest(v_known) k except select f from unnest(v_broken) f);
    delete from promise_breaches b using unnest(v_mended) k
    where b.shop = p_shop and b.kind = k.kind and b.a = k.a and b.b = k.b;
end;
$$;
