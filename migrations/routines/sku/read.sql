-- Reads a sku as the stock office sees it, retired or not, with its stock level, as the JSON of the
-- HTTP contract. Null: there is none. No locks.
create or replace function holdfast.sku_read(p_shop text, p_sku text) returns jsonb
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    return (
        select to_jsonb(k) - 'shop' || jsonb_build_object(
            'currency', s.currency,
            'low_stock_threshold', l.low_stock_threshold,
            'stock', stock_describe(l))
        from skus k
            join shops s on s.shop = k.shop
            -- a row, not a table's: only a row becomes the type of a parameter on a shard
            join (select * from stock_levels) l on l.shop = k.shop and l.sku = k.sku
        where k.shop = p_shop and k.sku = p_sku);
end;
$$;
