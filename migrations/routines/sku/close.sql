-- Ends the sale of a sku now: nobody can hold it any more. Checkouts that hold it go on. Only the
-- end of its sale changes, with p_actor, so no edit of the catalogue beside it is lost. Outcomes:
-- closed; same
-- (its sale had ended before); not_found; not_open (its sale has not opened yet: edit the sku). The
-- answer has the sku. Locks: the sku.
create or replace function holdfast.sku_close(
    p_shop text, p_sku text, p_actor text, out o_outcome text, out o_sku jsonb)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_sku skus%rowtype;
begin
    select * into v_sku from skus k where k.shop = p_shop and k.sku = p_sku for no key update;
    o_outcome := case
        when not found then 'not_found'
        when v_sku.sale_closes_at <= v_now then 'same'
        when v_sku.sale_opens_at >= v_now then 'not_open'
        else 'closed' end;
    if o_outcome = 'closed' then
        update skus k set sale_closes_at = v_now, sale_closed_by = p_actor
        where k.shop = p_shop and k.sku = p_sku;
    end if;
    o_sku := sku_read(p_shop, p_sku);
end;
$$;
