-- Writes the changes that import_judge finds in a range of chunks. The caller has locked the skus
-- of p_skus and the stock levels of p_levels. If another sku or stock level differs only since
-- then, it is not locked, and stays as it is. Fails with serialization_failure if another call has
-- just created a sku of this range; the caller then runs again. Locks: the new rows, by sku.
create or replace function holdfast.import_write(
    p_shop text, p_import_id uuid, p_part integer, p_chunk integer, p_to_part integer,
    p_to_chunk integer, p_skus text[], p_levels text[], p_actor text) returns void
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_reference text := 'import:' || p_import_id;
    -- as JSON: a look-up in an array would scan it
    v_skus jsonb := jsonb_object(p_skus, p_skus);
    v_levels jsonb := jsonb_object(p_levels, p_levels);
    v_row record;
    v_version bigint;
    v_now timestamptz := now();
begin
    for v_row in
        select j.* from import_judge(p_shop, p_import_id, p_part, p_chunk, p_to_part, p_to_chunk) j
        where j.outcome_before = 'created' or j.outcome_before = 'changed'
            and j.outcome = 'changed'  -- guard(an_import_overwrites_no_sale)
        order by j.sku
    loop
        if v_row.outcome_before = 'created' then
            insert into skus (shop, sku, title, attributes, price_minor, sale_opens_at,
                sale_closes_at, limit_per_customer, departs_at, retired_at)
            values (p_shop, v_row.sku, v_row.title, v_row.attributes, v_row.price_minor,
                v_row.sale_opens_at, v_row.sale_closes_at, v_row.limit_per_customer,
                v_row.departs_at, case when v_row.retired then v_now end)
            on conflict do nothing;
            if not found then
                raise exception using errcode = 'serialization_failure',
                    message = 'another call has just created a sku of this import';
            end if;
            insert into stock_levels (shop, sku, on_hand, low_stock_threshold, version)
            values (p_shop, v_row.sku, v_row.on_hand, v_row.low_stock_threshold,
                case when v_row.on_hand > 0 then 1 else 0 end)
            returning version into v_version;
        elsif v_row.changes_sku and v_skus ? v_row.sku then
            update skus k
            set title = v_row.title, attributes = v_row.attributes,
                price_minor = v_row.price_minor, sale_opens_at = v_row.sale_opens_at,
                sale_closes_at = v_row.sale_closes_at,
                sale_closed_by = case when k.sale_closes_at = v_row.sale_closes_at
                    then k.sale_closed_by end,
                limit_per_customer = v_row.limit_per_customer, departs_at = v_row.departs_at,
                retired_at = case when v_row.retired then coalesce(k.retired_at, v_now) end
            where k.shop = p_shop and k.sku = v_row.sku;
        end if;
        if v_row.changes_level and v_levels ? v_row.sku then
            update stock_levels l
            set on_hand = v_row.on_hand, low_stock_threshold = v_row.low_stock_threshold,
                version = l.version + 1
            where l.shop = p_shop and l.sku = v_row.sku
            returning l.version into v_version;
        end if;
        if v_row.on_hand <> v_row.on_hand_now
            and (v_row.outcome_before = 'created' or v_levels ? v_row.sku) then
            insert into stock_movements (shop, sku, version, delta, on_hand_after, reason, actor,
                reference)
            values (p_shop, v_row.sku, v_version, v_row.on_hand - v_row.on_hand_now,
                v_row.on_hand, 'adjusted', p_actor, v_reference);
        end if;
    end loop;
end;
$$;
