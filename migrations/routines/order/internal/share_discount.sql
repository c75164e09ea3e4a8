-- Shares an order's discount among the lines that its coupon is for, in proportion to their prices.
-- Each share is rounded down, and the units that are left go to the lines with the largest
-- remainders, so the shares add up to the discount. The caller has just made the order, and has
-- locked the coupon.
create or replace function holdfast.order_share_discount(p_shop text, p_order_id uuid)
    returns void
language plpgsql set search_path = holdfast, pg_temp as $$
begin
    with line as (
        -- numeric: the product of a discount and a price would overflow a bigint
        select l.sku, o.discount_minor, (l.quantity * l.price_minor)::numeric as price,
            sum(l.quantity * l.price_minor) over () as prices
        from orders o
            join coupons c on c.shop = o.shop and c.code = o.coupon_code
            join order_lines l on l.shop = o.shop and l.order_id = o.order_id
                and (c.skus is null or l.sku = any (c.skus))
        where o.shop = p_shop and o.order_id = p_order_id),
    share as (
        select l.sku, div(l.discount_minor * l.price, l.prices) as whole, l.discount_minor,
            row_number() over (order by mod(l.discount_minor * l.price, l.prices) desc, l.sku)
                as nth
        from line l where l.prices > 0),
    shared as (
        select s.sku, s.whole + case when s.nth <= s.discount_minor - sum(s.whole) over ()
            then 1 else 0 end as minor
        from share s)
    update order_lines l set discount_minor = s.minor::bigint
    from shared s
    where l.shop = p_shop and l.order_id = p_order_id and l.sku = s.sku;
end;
$$;
