-- Creates a sku with an empty stock level, or changes what the catalogue says of it. Stock itself
-- changes by stock_adjust.
create or replace function holdfast.sku_put(
    p_shop text, p_sku text, p_title text, p_attributes jsonb, p_price_minor bigint,
    p_low_stock integer default 0,
    p_sale_opens_at timestamptz default null, p_sale_closes_at timestamptz default null)
        returns void
language plpgsql set search_path = holdfast, pg_temp as $$
begin
    insert into skus (shop, sku, title, attributes, price_minor, low_stock_threshold, sale_opens_at,
        sale_closes_at)
    values (p_shop, p_sku, p_title, p_attributes, p_price_minor, p_low_stock, p_sale_opens_at,
        p_sale_closes_at)
    on conflict (shop, sku) do update
    set title = excluded.title, attributes = excluded.attributes,
        price_minor = excluded.price_minor,
        low_stock_threshold = excluded.low_stock_threshold,
        sale_opens_at = excluded.sale_opens_at, sale_closes_at = excluded.sale_closes_at;
    insert into stock_levels (shop, sku) values (p_shop, p_sku) on conflict do nothing;
end;
$$;
