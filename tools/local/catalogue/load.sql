-- Loads one catalogue by the routines that the admin function calls, in one transaction.
-- The two names in braces are filled in.
do $load$
declare
    v_shop jsonb := $json${catalogue}$json$;
    v_code text := v_shop->>'shop';
    v_sku record;
    v_coupon record;
begin
    -- the local storefront may sell without a gateway
    perform holdfast.shop_put(v_code, v_shop->>'name', v_shop->>'currency',
        p_offline_allowed => true);
    for v_sku in
        select s.*, case when s.sku = v_shop->>'hot_sku' then coalesce({hot_units}, s.units)
            else s.units end as stocked
        from jsonb_to_recordset(v_shop->'skus') as s(sku text, title text, attributes jsonb,
            price_minor bigint, units integer, low_stock integer)
    loop
        perform holdfast.sku_put(v_code, v_sku.sku, v_sku.title, v_sku.attributes,
            v_sku.price_minor, v_sku.low_stock);
        if v_sku.stocked > 0 then
            perform holdfast.stock_adjust(v_code, v_sku.sku, v_sku.stocked, null, 'received',
                'holdfast up', 'opening stock');
        end if;
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
