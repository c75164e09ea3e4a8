-- Judges a range of chunks and stores the outcomes. p_again: judges once more the rows with the
-- outcome `changed`, which are locked now; all others keep their outcome. Returns the number of
-- rows of each outcome, and the skus and stock levels that the changed rows change or rely on.
-- Locks: the chunks.
create or replace function holdfast.import_judge_chunks(
    p_shop text, p_import_id uuid, p_part integer, p_chunk integer, p_to_part integer,
    p_to_chunk integer, p_again boolean,
    out o_created integer, out o_changed integer, out o_unchanged integer, out o_refused integer,
    out o_skus text[], out o_levels text[])
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_judged record;
begin
    o_created := 0;
    o_changed := 0;
    o_unchanged := 0;
    o_refused := 0;
    o_skus := '{}';
    o_levels := '{}';
    for v_judged in
        select j.part, j.chunk, array_agg(j.outcome order by j.row_no) as outcomes,
            array_agg(j.refusals order by j.row_no) as refusals,
            array_agg(j.changes order by j.row_no) as changes,
            count(*) filter (where j.outcome = 'created') as created,
            count(*) filter (where j.outcome = 'changed') as changed,
            count(*) filter (where j.outcome = 'unchanged') as unchanged,
            count(*) filter (where j.outcome = 'refused') as refused,
            array_agg(j.sku) filter (where j.outcome = 'changed' and j.changes_sku) as skus,
            array_agg(j.sku) filter (where j.outcome = 'changed' and j.relies_on_level) as levels
        from (
            select r.part, r.chunk, r.row_no, r.sku, r.changes_sku,
                r.changes_level or r.expected_version is not null as relies_on_level,
                case when k.keeps then r.outcome_before else r.outcome end as outcome,
                case when k.keeps then r.refusals_before else r.refusals end as refusals,
                case when k.keeps then r.changes_before else r.changes end as changes
            from import_judge(p_shop, p_import_id, p_part, p_chunk, p_to_part, p_to_chunk) r
                cross join lateral (
                    select p_again
                        and r.outcome_before <> 'changed'  -- guard(an_import_overwrites_no_sale)
                        as keeps) k) j
        group by j.part, j.chunk
    loop
        update import_chunks c
        set outcomes = v_judged.outcomes, refusals = v_judged.refusals, changes = v_judged.changes
        where c.shop = p_shop and c.import_id = p_import_id and c.part = v_judged.part
            and c.chunk = v_judged.chunk
            and (c.outcomes, c.refusals, c.changes)
                is distinct from (v_judged.outcomes, v_judged.refusals, v_judged.changes);
        o_created := o_created + v_judged.created;
        o_changed := o_changed + v_judged.changed;
        o_unchanged := o_unchanged + v_judged.unchanged;
        o_refused := o_refused + v_judged.refused;
        o_skus := o_skus || v_judged.skus;
        o_levels := o_levels || v_judged.levels;
    end loop;
end;
$$;
