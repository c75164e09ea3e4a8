-- A departure as the JSON of the HTTP contract. local_time is the wall clock of the shop's zone;
-- sold counts the units that have not come back. No locks.
create or replace function holdfast.departure_describe(p_shop text, p_sku text) returns jsonb
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return (
        select jsonb_build_object(
            'sku', k.sku,
            'title', k.title,
            'attributes', k.attributes,
            'price_minor', k.price_minor,
            'currency', s.currency,
            'departs_at', k.departs_at,
            'local_time', to_char(k.departs_at at time zone s.time_zone,
                'YYYY-MM-DD"T"HH24:MI:SS'),
            'sale_closes_at', k.sale_closes_at,
            'on_sale', k.retired_at is null and coalesce(k.sale_opens_at <= now(), true)
                and coalesce(k.sale_closes_at > now(), true),
            'on_hand', l.on_hand,
            'held', l.held,
            'available', l.on_hand - l.held,
            'sold', l.sold)
        from skus k
            join shops s on s.shop = k.shop
            join stock_levels l on l.shop = k.shop and l.sku = k.sku
        where k.shop = p_shop and k.sku = p_sku);
end;
$$;
