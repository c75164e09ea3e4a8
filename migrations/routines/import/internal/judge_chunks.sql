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
begin
    with judged as materialized (
        select j.part, j.chunk, j.row_no, j.sku, j.changes_sku,
            j.changes_level or j.expected_version is not null as relies_on_level,
            case when k.keeps then j.outcome_before else j.outcome end as outcome,
            case when k.keeps then j.refusals_before else j.refusals end as refusals,
            case when k.keeps then j.changes_before else j.changes end as changes
        from import_judge(p_shop, p_import_id, p_part, p_chunk, p_to_part, p_to_chunk) j
            cross join lateral (
                select p_again
                    and j.outcome_before <> 'changed'  -- guard(an_import_overwrites_no_sale)
                    as keeps) k),
    kept as (
        update import_chunks c set outcomes = f.outcomes, refusals = f.refusals,
            changes = f.changes
        from (
            select j.part, j.chunk, array_agg(j.outcome order by j.row_no) as outcomes,
                array_agg(j.refusals order by j.row_no) as refusals,
                array_agg(j.changes order by j.row_no) as changes
            from judged j group by j.part, j.chunk) f
        where c.shop = p_shop and c.import_id = p_import_id and c.part = f.part
            and c.chunk = f.chunk
            and (c.outcomes, c.refusals, c.changes)
                is distinct from (f.outcomes, f.refusals, f.changes))
    select count(*) filter (where j.outcome = 'created'),
        count(*) filter (where j.outcome = 'changed'),
        count(*) filter (where j.outcome = 'unchanged'),
        count(*) filter (where j.outcome = 'refused'),
        coalesce(array_agg(j.sku) filter (where j.outcome = 'changed' and j.changes_sku), '{}'),
        coalesce(array_agg(j.sku) filter (where j.outcome = 'changed' and j.relies_on_level), '{}')
    into o_created, o_changed, o_unchanged, o_refused, o_skus, o_levels
    from judged j;
end;
$$;
