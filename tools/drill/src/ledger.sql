-- All records of a shop's money and goods as one JSON value. One statement reads one snapshot:
-- movements between two statements would look like faults.
with sold as (
    select reference, jsonb_object_agg(sku, jsonb_build_array(times, units)) as sold
    from (
        select reference, sku, count(*) as times, -sum(delta) as units
        from holdfast.stock_movements
        where shop = $1 and reason = 'sold' and reference is not null
        group by reference, sku
    ) as by_sku
    group by reference
), lines as (
    select order_id, jsonb_object_agg(sku, quantity) as lines
    from holdfast.order_lines where shop = $1 group by order_id
), orders as (
    select p.reference, o.status, o.total_minor, l.lines,
        coalesce(s.sold, '{}') as sold
    from holdfast.orders as o
    join holdfast.payments as p using (shop, order_id)
    join lines as l using (order_id)
    left join sold as s on s.reference = p.reference
    where o.shop = $1 and p.method = 'online'
)
select jsonb_build_object(
    'orders', (select coalesce(jsonb_object_agg(reference, orders), '{}') from orders),
    'captures', (
        select coalesce(jsonb_agg(jsonb_build_array(
            gateway, gateway_payment_id, coalesce(amount_minor, 0))), '[]')
        from holdfast.payment_captures where shop = $1
    ),
    'refunds', (
        select coalesce(jsonb_agg(r), '[]') from holdfast.refunds as r where shop = $1 and not void
    ),
    -- a sweeper that works has released everything that expired this long ago
    'overdue', (
        select count(*) from holdfast.holds
        where shop = $1 and status = 'active' and expires_at < now() - interval '20 s'
    ),
    'parked', (
        select count(*) from holdfast.payment_events where shop = $1 and outcome = 'parked'
    )
)
