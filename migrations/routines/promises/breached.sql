-- The subjects that broke a promise when they were last checked (every sweep checks them again),
-- checked once more now: their violations, at most p_limit subjects; the number of subjects (at
-- most 1,000 are counted); when the check of what has changed last ended a lap, or null before the
-- first. No locks.
create or replace function holdfast.promises_breached(
    p_shop text, p_limit integer,
    out o_violations jsonb, out o_breaches integer, out o_checked_at timestamptz)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_subjects promise_subject[] := array(
        select row(b.kind, b.a, b.b)::promise_subject from promise_breaches b
        where b.shop = p_shop order by b.kind, b.a, b.b limit p_limit);
begin
    select count(*) into o_breaches
    from (select from promise_breaches b where b.shop = p_shop limit 1000) b;
    select l.checked_at into o_checked_at from promise_laps l
    where l.shop = p_shop and l.lap = 'changed';
    o_violations := '[]';
    if v_subjects <> '{}' then
        select coalesce(jsonb_agg(jsonb_build_object(
            'promise', v.promise, 'shop', p_shop, 'detail', v.violation)
            order by v.kind, v.a, v.b, v.promise), '[]')
        into o_violations from promises_violations(p_shop, v_subjects) v;
    end if;
end;
$$;
