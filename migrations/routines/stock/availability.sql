-- The availability that a storefront shows beside each sku: fast, without locks, and never a
-- guarantee. A sku that is not in the catalogue has no row. If no sku is, one row has the time and
-- nothing else.
create or replace function holdfast.stock_availability(
    p_shop text, p_skus text[],
    out o_sku text, out o_title text, out o_attributes jsonb, out o_price_minor bigint,
    out o_currency text,
    out o_available integer, out o_low_stock boolean, out o_on_sale boolean,
    out o_server_time timestamptz)
returns setof record
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    return query
    select k.sku, k.title, k.attributes, k.price_minor, s.currency, l.on_hand - l.held,
        l.on_hand - l.held <= l.low_stock_threshold,
        k.retired_at is null and coalesce(k.sale_opens_at <= now(), true)
            and coalesce(k.sale_closes_at > now(), true),
        now()
    from (values (p_shop)) asked (shop)
        left join (
            skus k
                join stock_levels l on l.shop = k.shop and l.sku = k.sku
                join shops s on s.shop = k.shop)
            on k.shop = asked.shop and k.sku = any (p_skus)
    order by k.sku;
end;
$$;
