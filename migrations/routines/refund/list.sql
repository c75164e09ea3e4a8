-- One page of a shop's refunds, oldest first, with this status (null: any). A failed refund that
-- was replaced is no longer listed as failed. The page begins after the row of the p_after_…
-- parameters, or at the first row if they are null. o_after is the page's last row, if there may be
-- more. Each status but `settled` has an index. Among all refunds, and among the settled ones, a
-- page reads at most p_scan rows. No locks.
create or replace function holdfast.refund_list(
    p_shop text, p_status text, p_after_created_at timestamptz, p_after_refund_id uuid,
    p_limit integer, p_scan integer, out o_refunds jsonb, out o_after jsonb)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_at timestamptz := coalesce(p_after_created_at, '-infinity');
    v_id uuid := coalesce(p_after_refund_id, '00000000-0000-0000-0000-000000000000');
    -- if the index finds exactly the matching rows, the page reads only the rows that it shows
    v_scan integer := case when p_status = 'settled' then p_scan else p_limit end;
    v_scanned refunds[];
    v_found jsonb[];
begin
    if p_status = 'failed' then
        select array_agg(page::refunds) into v_scanned
        from (
            select * from refunds r
            where r.shop = p_shop and r.status = 'failed' and not r.void
                and (r.created_at, r.refund_id) > (v_at, v_id)
            order by r.created_at, r.refund_id limit v_scan) page;
    elsif p_status <> 'settled' then
        select array_agg(page::refunds) into v_scanned
        from (
            select * from refunds r
            where r.shop = p_shop and r.status = p_status and r.status <> 'settled'
                and (r.created_at, r.refund_id) > (v_at, v_id)
            order by r.created_at, r.refund_id limit v_scan) page;
    else
        select array_agg(page::refunds) into v_scanned
        from (
            select * from refunds r
            where r.shop = p_shop and (r.created_at, r.refund_id) > (v_at, v_id)
            order by r.created_at, r.refund_id limit v_scan) page;
    end if;
    select array_agg(refund_describe(fits) order by fits.created_at, fits.refund_id) into v_found
    from (
        select * from unnest(v_scanned) r
        where p_status is null or r.status = p_status
        order by r.created_at, r.refund_id limit p_limit) fits;
    o_refunds := to_jsonb(coalesce(v_found, '{}'));
    o_after := case
        when cardinality(v_found) = p_limit then v_found[p_limit]
        when cardinality(v_scanned) = v_scan then refund_describe(v_scanned[v_scan])
    end;
end;
$$;
