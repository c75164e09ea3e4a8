-- One page of a shop's catalogue, retired skus included, sorted by code: those after p_after (null:
-- from the first), at most p_limit, as a JSON array. No locks.
create or replace function holdfast.sku_list(p_shop text, p_after text, p_limit integer)
    returns jsonb
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_skus text[];
begin
    v_skus := array(
        select k.sku from skus k where k.shop = p_shop and k.sku > coalesce(p_after, '')
        order by k.sku limit p_limit);
    return (
        select coalesce(jsonb_agg(sku_read(p_shop, page.sku) order by page.nth), '[]')
        from unnest(v_skus) with ordinality page (sku, nth));
end;
$$;
