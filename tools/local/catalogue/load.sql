-- Loads one catalogue by the routines that the admin function calls, in one transaction.
-- The two names in braces are filled in.
do $load$
declare
    v_shop jsonb := $json${catalogue}$json$;
    v_code text := v_shop->>'shop';
    v_sku record;
    v_coupon record;
    v_zone text := v_shop->>'time_zone';
begin
    -- the local storefront may sell without a gateway
    perform holdfast.shop_put(v_code, v_shop->>'name', v_shop->>'currency',
        p_offline_allowed => true, p_time_zone => v_zone);
    for v_sku in
        select s.*, case when s.sku = v_shop->>'hot_sku' then coalesce({hot_units}, s.units)
            else s.units end as stocked
        from jsonb_to_recordset(v_shop->'skus') as s(sku text, title text, attributes jsonb,
            price_minor bigint, units integer, low_stock integer, departs text)
    loop
        perform holdfast.sku_put(v_code, v_sku.sku, v_sku.title, v_sku.attributes,
            v_sku.price_minor, v_sku.low_stock,
            p_departs_at => v_sku.departs::timestamp at time zone v_zone);
        if v_sku.stocked > 0 then
            perform holdfast.stock_adjust(v_code, v_sku.sku, v_sku.stocked, null, 'received',
                'holdfast up', 'opening stock');
        end if;
    end loop;
    -- the departures of today and of the next days, so that a dispatcher has something to sell
    for v_sku in
        select format('%s-%s-%s', d.sku, to_char(o.day, 'YYYY-MM-DD'), to_char(o.leaves, 'HH24MI'))
                as sku,
            d.title, jsonb_build_object('date', to_char(o.day, 'YYYY-MM-DD'), 'vehicle', d.vehicle,
                'departure_place', d.departure_place) as attributes,
            d.price_minor, d.units, (o.day + o.leaves) at time zone v_zone as departs_at
        from jsonb_to_recordset(v_shop->'daily') as d(sku text, title text, vehicle text,
                departure_place text, price_minor bigint, units integer, leaves time[]),
            lateral (
                select (now() at time zone v_zone)::date + n as day, leaves
                from generate_series(0, 3) n, unnest(d.leaves) leaves) o
    loop
        perform holdfast.sku_put(v_code, v_sku.sku, v_sku.title, v_sku.attributes,
            v_sku.price_minor, 2, p_departs_at => v_sku.departs_at);
        perform holdfast.stock_adjust(v_code, v_sku.sku, v_sku.units, null, 'received',
            'holdfast up', 'opening stock');
    end loop;
    for v_coupon in
        select * from jsonb_to_recordset(v_shop->'coupons') as c(code text, kind text,
            value bigint, minimum_minor bigint, uses_max integer)
    loop
        perform holdfast.coupon_put(v_code, v_coupon.code, v_coupon.kind, v_coupon.value,
            v_coupon.minimum_minor, null, null, v_coupon.uses_max);
    end loop;
end;
$load$;
