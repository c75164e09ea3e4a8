-- The next page of each source of changes that the lap has not read to its end: adds their subjects
-- and moves the lap's position. o_more: some source may have more. No locks.
create or replace function holdfast.promises_read_changes(
    p_lap holdfast.promise_laps, p_limit integer,
    out o_position jsonb, out o_subjects holdfast.promise_subject[], out o_more boolean)
language plpgsql stable set search_path = holdfast, pg_temp as $$
declare
    v_source text;
    v_page record;
begin
    o_position := p_lap.position;
    o_subjects := '{}';
    o_more := false;
    foreach v_source in array array['movement', 'hold', 'checkout', 'event', 'overdue', 'refund',
        'settled_refund', 'open_checkout', 'open_sku']
    loop
        -- a source that was read to its end has null
        continue when o_position -> v_source = 'null';
        with change as materialized (
            select * from promises_changes(p_lap.shop, v_source,
                coalesce((o_position -> v_source ->> 0)::timestamptz,
                    case when v_source like 'open%' then '-infinity' else p_lap.read_from end),
                coalesce(o_position -> v_source ->> 1, ''),
                coalesce(o_position -> v_source ->> 2, ''), p_limit) with ordinality)
        select (select count(*) from change) as rows,
            (select jsonb_build_array(c.at, c.a, c.b) from change c
            order by c.ordinality desc limit 1) as last,
            array(select s from change c cross join unnest(c.subjects) s) as subjects
        into v_page;
        o_subjects := o_subjects || v_page.subjects;
        o_more := o_more or v_page.rows = p_limit;
        o_position := o_position || jsonb_build_object(v_source,
            case when v_page.rows = p_limit then v_page.last end);
    end loop;
    o_subjects := array(select s from promises_related(p_lap.shop, o_subjects) s);
end;
$$;
