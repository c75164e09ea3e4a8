-- Goes on with a lap of a shop's check: looks at the next rows, checks the promises about them, and
-- remembers how far it came. o_more is false when the lap has ended: the next call begins another.
--   changed  what was written since the last lap, and what is open: p_limit rows of each source
--   history  every row in turn: p_limit subjects
-- Returns the violations of subjects that were not known to break a promise. They are known from
-- then on, and promises_recheck returns theirs. From 1,000 known subjects on, the shop's laps stand
-- still. Of two calls at once, one does nothing. Locks: the lap (SKIP LOCKED), breaches by kind and
-- key, then as promises_count_uses.
create or replace function holdfast.promises_sweep(
    p_shop text, p_lap text, p_limit integer, out o_violations jsonb, out o_more boolean)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_lap promise_laps;
    v_page record;
    v_subjects promise_subject[];
    v_found jsonb;
begin
    o_violations := '[]';
    o_more := false;
    insert into promise_laps (shop, lap) values (p_shop, p_lap) on conflict do nothing;
    select * into v_lap from promise_laps l
    where l.shop = p_shop and l.lap = p_lap for no key update skip locked;
    if not found
        or (select count(*) from promise_breaches b where b.shop = p_shop) >= 1000
    then
        return;
    end if;
    if v_lap.position is null then
        v_lap := promises_begin_lap(v_lap);
    end if;
    if p_lap = 'changed' then
        select * into v_page from promises_read_changes(v_lap, p_limit);
        v_subjects := v_page.o_subjects;
        o_more := v_page.o_more;
        v_lap.position := v_page.o_position;
    else
        v_subjects := array(
            select s from promises_page(p_shop,
                jsonb_populate_record(null::promise_subject, v_lap.position), p_limit) s);
        o_more := cardinality(v_subjects) = p_limit;
        v_lap.position := to_jsonb(v_subjects[p_limit]);
    end if;
    select jsonb_agg(to_jsonb(v)) into v_found from promises_violations(p_shop, v_subjects) v;
    if v_found is not null then
        -- promises_recheck may be about to forget one of them, because it was right a moment ago
        perform from promise_breaches b
            join (
                select distinct f.kind, f.a, f.b
                from jsonb_to_recordset(v_found) f (kind text, a text, b text)) f
                on b.kind = f.kind and b.a = f.a and b.b = f.b
        where b.shop = p_shop
        order by b.kind, b.a, b.b
        for key share of b;  -- guard(a_breach_is_not_forgotten)
        with found as materialized (
            select * from jsonb_to_recordset(v_found)
                f (kind text, a text, b text, promise text, violation jsonb)),
        became_known as (
            insert into promise_breaches (shop, kind, a, b)
            select distinct p_shop, f.kind collate "C", f.a collate "C", f.b collate "C"
            from found f
            -- two sweeps may find the same ones
            order by 2, 3, 4
            on conflict do nothing
            returning *)
        select coalesce(jsonb_agg(jsonb_build_object(
            'promise', f.promise, 'shop', p_shop, 'detail', f.violation)), '[]')
        into o_violations
        from found f join became_known k on k.kind = f.kind and k.a = f.a and k.b = f.b;
    end if;
    if p_lap = 'changed' then
        perform promises_count_uses(p_shop, p_limit);
    end if;
    -- after the check: a call that fails moves nothing
    update promise_laps l
    set position = case when o_more then v_lap.position end, began_at = v_lap.began_at,
        checked_at = case when o_more then l.checked_at else v_lap.began_at end,
        read_from = case when o_more then l.read_from else v_lap.read_from_next end,
        read_from_next = v_lap.read_from_next, settles_at = v_lap.settles_at,
        settles_with = v_lap.settles_with
    where l.shop = p_shop and l.lap = p_lap;
end;
$$;
