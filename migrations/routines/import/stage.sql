-- Stages one part of an import: the rows of the file, column by column, in chunks of p_chunk_rows.
-- import_apply takes each chunk in one transaction. A malformed row (JSON: [{field, value, why}])
-- stays refused. A part with the same number is replaced. The first part makes the import.
-- Outcomes: staged; unknown_shop; closed (the import is being applied or is done: its rows are
-- final). o_next_part is the first missing part. Locks: the import FOR KEY SHARE (parts may be
-- staged side by side, but not beside import_apply), the part.
create or replace function holdfast.import_stage(
    p_shop text, p_import_id uuid, p_part integer, p_actor text, p_chunk_rows integer,
    p_lines integer[], p_skus text[], p_titles text[], p_attributes text[],
    p_attribute_changes text[], p_prices_minor bigint[], p_currencies text[],
    p_sale_opens_at timestamptz[], p_sale_opens_given boolean[],
    p_sale_closes_at timestamptz[], p_sale_closes_given boolean[],
    p_low_stock_thresholds integer[], p_limits_per_customer integer[], p_limits_given boolean[],
    p_retired boolean[], p_on_hand integer[], p_expected_versions bigint[], p_malformed text[],
    p_departs_at timestamptz[] default '{}', p_departs_given boolean[] default '{}',
    out o_outcome text, out o_next_part integer)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_status text;
begin
    if not exists (select from shops s where s.shop = p_shop) then
        o_outcome := 'unknown_shop';
        return;
    end if;
    insert into imports (shop, import_id, actor, created_at)
    values (p_shop, p_import_id, p_actor, now()) on conflict do nothing;
    -- a dry run has judged the old rows
    update imports i set status = 'open' where i.shop = p_shop and i.import_id = p_import_id
        and i.status in ('trying', 'tried');
    select i.status into v_status from imports i
    where i.shop = p_shop and i.import_id = p_import_id for key share;
    if v_status in ('applying', 'done', 'rejected') then
        o_outcome := 'closed';
        return;
    end if;
    delete from import_skus i using (
        select o.sku from import_chunks c cross join unnest(c.skus) o (sku)
        where c.shop = p_shop and c.import_id = p_import_id and c.part = p_part) o
    where i.shop = p_shop and i.import_id = p_import_id and i.sku = o.sku and i.part = p_part;
    delete from import_chunks c
    where c.shop = p_shop and c.import_id = p_import_id and c.part = p_part;
    insert into import_parts as p (shop, import_id, part, row_count)
    values (p_shop, p_import_id, p_part, cardinality(p_lines))
    on conflict (shop, import_id, part) do update set row_count = excluded.row_count;
    insert into import_skus (shop, import_id, sku, part, line)
    select p_shop, p_import_id, r.sku, p_part, r.line
    from unnest(p_skus, p_lines) r (sku, line) where r.sku is not null order by r.sku;
    insert into import_chunks (shop, import_id, part, chunk, lines, skus, titles, attributes,
        attribute_changes, prices_minor, currencies, sale_opens_at, sale_opens_given,
        sale_closes_at, sale_closes_given, low_stock_thresholds, limits_per_customer,
        limits_given, retired, on_hand, expected_versions, malformed, departs_at, departs_given)
    select p_shop, p_import_id, p_part, c.chunk, p_lines[c.a:c.b], p_skus[c.a:c.b],
        p_titles[c.a:c.b], p_attributes[c.a:c.b], p_attribute_changes[c.a:c.b],
        p_prices_minor[c.a:c.b], p_currencies[c.a:c.b],
        p_sale_opens_at[c.a:c.b], p_sale_opens_given[c.a:c.b], p_sale_closes_at[c.a:c.b],
        p_sale_closes_given[c.a:c.b], p_low_stock_thresholds[c.a:c.b],
        p_limits_per_customer[c.a:c.b], p_limits_given[c.a:c.b], p_retired[c.a:c.b],
        p_on_hand[c.a:c.b], p_expected_versions[c.a:c.b], p_malformed[c.a:c.b],
        p_departs_at[c.a:c.b], p_departs_given[c.a:c.b]
    from (
        select n as chunk, (n - 1) * p_chunk_rows + 1 as a, n * p_chunk_rows as b
        from generate_series(1, (cardinality(p_lines) - 1) / p_chunk_rows + 1) n
        where p_lines <> '{}') c;
    o_outcome := 'staged';
    o_next_part := import_next_part(p_shop, p_import_id);
end;
$$;
