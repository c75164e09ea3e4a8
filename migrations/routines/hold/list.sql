-- One page of the journal of holds: of one sku, checkout and customer, with this status (null:
-- any). Sorted by key (checkout, generation, sku). The page begins after the row of the p_after_…
-- parameters, or at the first row if they are null. A page reads at most p_scan rows, even if few
-- of them match; and before them, at most as many active holds of the sku. o_after is the last row
-- that was read, where the next page begins; null after the last page. No locks, and no index that
-- every hold would have to maintain.
--
-- Rejected: active holds sorted by expires_at. An extension moves a hold behind the rows that are
-- still to come, where it would be listed again. An order can move it before the rows that were
-- listed, where it would be missed.
create or replace function holdfast.hold_list(
    p_shop text, p_sku text, p_checkout_id uuid, p_customer text, p_status text,
    p_after_checkout_id uuid, p_after_generation integer, p_after_sku text,
    p_limit integer, p_scan integer,
    out o_holds jsonb, out o_after jsonb)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_checkout_id uuid := coalesce(p_after_checkout_id, '00000000-0000-0000-0000-000000000000');
    v_generation integer := coalesce(p_after_generation, 0);
    v_sku text := coalesce(p_after_sku, '');
    -- if nothing is left to filter, the page reads only the rows that it shows
    v_scan integer := case when p_customer is null and p_sku is null and p_status is null
        then p_limit else p_scan end;
    v_active holds[];
    v_scanned holds[];
    v_found jsonb[];
begin
    if p_checkout_id is null and p_sku is not null and p_status = 'active' then
        select coalesce(array_agg(few::holds), '{}') into v_active
        from (
            select * from holds h
            where h.shop = p_shop and h.sku = p_sku and h.status = 'active'
            limit p_scan + 1) few;
        if cardinality(v_active) <= p_scan and p_customer is null then
            v_scan := p_limit;
        end if;
    end if;
    if p_checkout_id is not null then
        select array_agg(page::holds) into v_scanned
        from (
            select * from holds h
            where h.shop = p_shop and h.checkout_id = p_checkout_id
                and (h.checkout_id, h.generation, h.sku) > (v_checkout_id, v_generation, v_sku)
            order by h.checkout_id, h.generation, h.sku limit v_scan) page;
    elsif cardinality(v_active) <= p_scan then
        select array_agg(page::holds) into v_scanned
        from (
            select * from unnest(v_active) h
            where (h.checkout_id, h.generation, h.sku) > (v_checkout_id, v_generation, v_sku)
            order by h.checkout_id, h.generation limit v_scan) page;
    else
        select array_agg(page::holds) into v_scanned
        from (
            select * from holds h
            where h.shop = p_shop
                and (h.checkout_id, h.generation, h.sku) > (v_checkout_id, v_generation, v_sku)
            order by h.checkout_id, h.generation, h.sku limit v_scan) page;
    end if;
    select array_agg(hold_describe(fits.hold)
        || jsonb_build_object('customer', fits.customer) order by fits.nth) into v_found
    from (
        select u.hold, u.nth, c.customer
        from (select h as hold, row_number() over () as nth from unnest(v_scanned) h) u
            left join lateral (
                select * from checkouts k
                where k.shop = p_shop and k.checkout_id = (u.hold).checkout_id limit 1) c on true
        where (p_sku is null or (u.hold).sku = p_sku)
            and (p_status is null or (u.hold).status = p_status::hold_status)
            and (p_customer is null or c.customer = p_customer)
        order by u.nth limit p_limit) fits;
    o_holds := to_jsonb(coalesce(v_found, '{}'));
    o_after := case
        when cardinality(v_found) = p_limit then v_found[p_limit]
        when cardinality(v_scanned) = v_scan then hold_describe(v_scanned[v_scan])
    end;
end;
$$;
