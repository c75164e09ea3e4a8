-- The catalogue and its stock, one row per sku after p_after, sorted by code, in the columns of an
-- import. No row: the shop does not exist, or has no more skus. No locks.
create or replace function holdfast.sku_export(
    p_shop text, p_after text, p_limit integer,
    out o_sku text, out o_title text, out o_attributes text, out o_price_minor bigint,
    out o_currency text, out o_sale_opens_at timestamptz, out o_sale_closes_at timestamptz,
    out o_low_stock_threshold integer, out o_limit_per_customer integer, out o_retired boolean,
    out o_on_hand integer, out o_version bigint, out o_departs_at timestamptz)
returns setof record
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    return query
    select k.sku, k.title, k.attributes::text, k.price_minor, s.currency, k.sale_opens_at,
        k.sale_closes_at, l.low_stock_threshold, k.limit_per_customer, k.retired_at is not null,
        l.on_hand, l.version, k.departs_at
    from skus k
        join shops s on s.shop = k.shop
        join stock_levels l on l.shop = k.shop and l.sku = k.sku
    where k.shop = p_shop and k.sku > p_after
    order by k.sku limit p_limit;
end;
$$;
