-- Checks the next p_scan subjects after p_after_… (null: from the first). Returns at most p_limit
-- violations, in one snapshot. A subject that has more than that alone shows p_limit of them;
-- otherwise a subject's violations are on one page.
-- o_after is the last subject of the page, if there may be more. Most pages are empty. No locks.
create or replace function holdfast.promises_list(
    p_shop text, p_after_kind text, p_after_a text, p_after_b text, p_limit integer,
    p_scan integer, out o_violations jsonb, out o_after jsonb)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_page promise_subject[] := array(
        select s from promises_page(p_shop,
            case when p_after_kind is not null
                then row(p_after_kind, p_after_a, p_after_b)::promise_subject end, p_scan) s);
    v_left_out bigint;
begin
    with found as (
        select s.place, v.promise, v.violation, row_number() over (order by s.place) as number,
            -- with all of this subject
            count(*) over (order by s.place) as through,
            min(s.place) over () as first
        from promises_violations(p_shop, v_page) v
            join unnest(v_page) with ordinality s (kind, a, b, place)
                on s.kind = v.kind and s.a = v.a and s.b = v.b)
    select coalesce(jsonb_agg(jsonb_build_object(
            'promise', f.promise, 'shop', p_shop, 'detail', f.violation) order by f.number)
            filter (where f.through <= p_limit or f.place = f.first and f.number <= p_limit),
            '[]'),
        min(f.place) filter (where f.through > p_limit and f.place <> f.first)
    into o_violations, v_left_out
    from found f;
    o_after := to_jsonb(v_page[coalesce(v_left_out - 1, p_scan)]);
end;
$$;
