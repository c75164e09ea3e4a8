-- One page of the ledger, newest first: the movements of one sku, of one reference, or of the whole
-- shop, from p_from until before p_until, with this reason and this actor (null: any). The page
-- begins after the row (p_after_at, p_after_sku, p_after_version), or at the newest row if these
-- are null. A page reads at most p_scan rows, even if few of them match. o_after is the last row
-- that was read, where the next page begins; null after the last page. Rows that are added
-- meanwhile are newer than every later page. No locks.
create or replace function holdfast.ledger_list(
    p_shop text, p_sku text, p_reference text, p_reason text, p_actor text,
    p_from timestamptz, p_until timestamptz,
    p_after_at timestamptz, p_after_sku text, p_after_version bigint,
    p_limit integer, p_scan integer,
    out o_movements jsonb, out o_after jsonb)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_at timestamptz := coalesce(p_after_at, p_until, 'infinity');
    -- sorts before every row of that time: p_until itself is excluded
    v_sku text := coalesce(p_after_sku, '');
    v_version bigint := coalesce(p_after_version, 0);
    v_from timestamptz := coalesce(p_from, '-infinity');
    -- if the index finds exactly the matching rows, the page reads only the rows that it shows
    v_scan integer := case when p_reason is null and p_actor is null
            and (p_sku is null or coalesce(p_reference, p_from::text, p_until::text) is null)
        then p_limit else p_scan end;
    v_scanned stock_movements[];
    v_found jsonb[];
begin
    -- Three queries, one for each index with this order.
    if p_sku is not null then
        -- Versions give the order within a sku: times may differ by a wait for the lock.
        select array_agg(page::stock_movements) into v_scanned
        from (
            select * from stock_movements m
            where m.shop = p_shop and m.sku = p_sku
                and m.version < coalesce(p_after_version, 9223372036854775807)
            order by m.version desc limit v_scan) page;
    elsif p_reference is not null then
        select array_agg(page::stock_movements) into v_scanned
        from (
            select * from stock_movements m
            where m.shop = p_shop and m.reference = p_reference and m.created_at >= v_from
                and (m.created_at, m.sku, m.version) < (v_at, v_sku, v_version)
            order by m.created_at desc, m.sku desc, m.version desc limit v_scan) page;
    else
        select array_agg(page::stock_movements) into v_scanned
        from (
            select * from stock_movements m
            where m.shop = p_shop and m.created_at >= v_from
                and (m.created_at, m.sku, m.version) < (v_at, v_sku, v_version)
            order by m.created_at desc, m.sku desc, m.version desc limit v_scan) page;
    end if;
    select array_agg(movement_describe(fits.movement) order by fits.nth) into v_found
    from (
        select u.movement, u.nth
        from (select m as movement, row_number() over () as nth from unnest(v_scanned) m) u
        where (p_reference is null or (u.movement).reference = p_reference)
            and (p_reason is null or (u.movement).reason = p_reason)
            and (p_actor is null or (u.movement).actor = p_actor)
            and (u.movement).created_at >= v_from
            and (u.movement).created_at < coalesce(p_until, 'infinity')
        order by u.nth limit p_limit) fits;
    o_movements := to_jsonb(coalesce(v_found, '{}'));
    o_after := case
        when cardinality(v_found) = p_limit then v_found[p_limit]
        when cardinality(v_scanned) = v_scan then movement_describe(v_scanned[v_scan])
    end;
end;
$$;
