-- The passengers of a departure, as JSON: the sold and the held units of this sku, one row per
-- checkout, sorted by the checkout's beginning, and the totals. Null: there is no such sku. A row's
-- status is its order's (paid; refund_due or refunded while the units have not come back;
-- awaiting_payment; review), or `held` for a hold without an order. Held rows have an end. If there
-- are more than p_limit rows, it answers p_limit + 1, and the caller continues after the last row
-- that it shows. All numbers of one page are from one instant. Between two pages somebody may have
-- booked. No locks, and no flush: a booking from just before a crash may be shown and then be gone.
create or replace function holdfast.sku_manifest(
    p_shop text, p_sku text, p_after_at timestamptz, p_after_id uuid, p_limit integer)
    returns jsonb
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    return (
        with seat as (
            select o.order_id, o.checkout_id, o.customer, o.placed_by,
                l.quantity - l.returned as quantity, o.status, null::timestamptz as expires_at,
                c.created_at
            from order_lines l
                join orders o on o.shop = l.shop and o.order_id = l.order_id
                join checkouts c on c.shop = o.shop and c.checkout_id = o.checkout_id
            where l.shop = p_shop and l.sku = p_sku and l.returned < l.quantity
                and o.paid_at is not null
            union all
            select o.order_id, h.checkout_id, c.customer, null, h.quantity,
                coalesce(o.status, 'held'), h.expires_at, c.created_at
            from holds h
                join checkouts c on c.shop = h.shop and c.checkout_id = h.checkout_id
                left join orders o on o.shop = c.shop and o.checkout_id = c.checkout_id
            where h.shop = p_shop and h.sku = p_sku and h.status = 'active'),
        page as (
            select * from seat s
            where p_after_at is null or (s.created_at, s.checkout_id) > (p_after_at, p_after_id)
            order by s.created_at, s.checkout_id
            limit p_limit + 1)
        select jsonb_build_object(
            'sku', k.sku,
            'title', k.title,
            'attributes', k.attributes,
            'sale_closes_at', k.sale_closes_at,
            'on_hand', l.on_hand,
            'held', l.held,
            'available', l.on_hand - l.held,
            'sold', (select coalesce(sum(s.quantity), 0) from seat s where s.expires_at is null),
            'rows', (
                select coalesce(jsonb_agg(to_jsonb(p) order by p.created_at, p.checkout_id), '[]')
                from page p),
            'server_time', clock_timestamp())
        from skus k join stock_levels l on l.shop = k.shop and l.sku = k.sku
        where k.shop = p_shop and k.sku = p_sku);
end;
$$;
