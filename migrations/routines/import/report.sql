-- An import and the outcomes of its rows, as JSON, in the order of the file: the rows after
-- (p_after_part, p_after_line), at most p_limit, only with p_outcome if it is given. Unless the
-- import is `applying` or `done`, the outcomes say what would happen; null: not judged yet. A page
-- reads at most p_scan chunks, even if few of their rows match. o_after is the last row that was
-- read, where the next page begins; null after the last page. No row: there is no such import. No
-- locks.
create or replace function holdfast.import_report(
    p_shop text, p_import_id uuid, p_outcome text, p_after_part integer, p_after_line integer,
    p_limit integer, p_scan integer, out o_import jsonb, out o_rows jsonb, out o_after jsonb)
returns setof record
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_chunks import_chunks[];
    v_last import_chunks;
    v_next_part integer := import_next_part(p_shop, p_import_id);
begin
    select jsonb_build_object('import_id', i.import_id, 'status', i.status, 'mode', i.mode,
            'rows', p.row_count, 'parts', p.parts,
            'next_part', v_next_part,
            'created', i.created, 'changed', i.changed, 'unchanged', i.unchanged,
            'refused', i.refused, 'actor', i.actor, 'created_at', i.created_at,
            'ended_at', i.ended_at)
    into o_import
    from imports i
        cross join lateral (
            select coalesce(sum(p.row_count), 0) as row_count, count(*) as parts from import_parts p
            where p.shop = i.shop and p.import_id = i.import_id) p
    where i.shop = p_shop and i.import_id = p_import_id;
    if not found then
        return;
    end if;
    select array_agg(page::import_chunks) into v_chunks
    from (
        select * from import_chunks c
        where c.shop = p_shop and c.import_id = p_import_id and c.part >= p_after_part
            and (c.part > p_after_part or c.lines[cardinality(c.lines)] > p_after_line)
        order by c.part, c.chunk limit p_scan) page;
    select coalesce(jsonb_agg(jsonb_build_object('part', b.part, 'line', b.line, 'sku', b.sku,
            'outcome', b.outcome, 'refusals', coalesce(b.refusals, '[]'),
            'changes', coalesce(b.changes, '[]'))
        order by b.part, b.line), '[]')
    into o_rows
    from (
        select c.part, r.line, r.sku, coalesce(r.outcome, m.outcome) as outcome,
            coalesce(r.refusals, r.malformed)::jsonb as refusals, r.changes::jsonb as changes
        from unnest(v_chunks) c
            cross join lateral unnest(c.lines, c.skus, c.malformed, c.outcomes, c.refusals,
                c.changes)
                as r (line, sku, malformed, outcome, refusals, changes)
            cross join lateral (
                select case when r.malformed is not null then 'refused' end as outcome) m
        where (c.part, r.line) > (p_after_part, p_after_line)
            and (p_outcome is null or coalesce(r.outcome, m.outcome) = p_outcome)
        order by c.part, c.chunk, r.line limit p_limit) b;
    v_last := v_chunks[p_scan];
    o_after := case
        when jsonb_array_length(o_rows) = p_limit then o_rows -> -1
        when v_last.part is not null then jsonb_build_object('part', v_last.part,
            'line', v_last.lines[cardinality(v_last.lines)])
    end;
    return next;
end;
$$;
