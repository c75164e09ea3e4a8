-- The next page of each source of changes that the lap has not read to its end: adds their subjects
-- and moves the lap's position. o_more: some source may have more. No locks.
create or replace function holdfast.promises_read_changes(
    p_lap holdfast.promise_laps, p_limit integer,
    out o_position jsonb, out o_subjects holdfast.promise_subject[], out o_more boolean)
language plpgsql stable set search_path = holdfast, pg_temp as $$
declare
    v_source text;
    v_page record;
    v_sums promise_subject[] := '{}';
begin
    o_position := p_lap.position;
    o_subjects := '{}';
    o_more := false;
    foreach v_source in array array['movement', 'hold', 'checkout', 'event', 'overdue', 'refund',
        'order', 'coupon', 'open_checkout', 'open_sku', 'open_coupon']
    loop
        -- a source that was read to its end has null
        continue when o_position -> v_source = 'null';
        -- Last, for the skus and coupons that promises_related left out: each is still open, or was
        -- closed after the lap began, and the next lap reads that.
        exit when o_more and v_source = 'open_sku';
        with change as materialized (
            select * from promises_changes(p_lap.shop, v_source,
                coalesce((o_position -> v_source ->> 0)::timestamptz,
                    case when v_source like 'open%' then '-infinity' else p_lap.read_from end),
                coalesce(o_position -> v_source ->> 1, ''),
                coalesce(o_position -> v_source ->> 2, ''), p_lap.began_at, p_limit)
                with ordinality)
        select (select count(*) from change) as rows,
            (select jsonb_build_array(c.at, c.a, c.b) from change c
            order by c.ordinality desc limit 1) as last,
            array(select s from change c cross join unnest(c.subjects) s) as subjects
        into v_page;
        if v_source in ('open_sku', 'open_coupon') then
            v_sums := v_sums || v_page.subjects;
        else
            o_subjects := o_subjects || v_page.subjects;
        end if;
        o_more := o_more or v_page.rows = p_limit;
        o_position := o_position || jsonb_build_object(v_source,
            case when v_page.rows = p_limit then v_page.last end);
    end loop;
    o_subjects := array(select s from promises_related(p_lap.shop, o_subjects) s) || v_sums;
end;
$$;
