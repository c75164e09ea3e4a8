-- The passengers of a departure, as JSON: the sold and the held units of this sku, one row per
-- checkout, sorted by the checkout's beginning, and the totals. Null: there is no such sku. A row's
-- status is its order's (paid; refund_due or refunded while the units have not come back;
-- awaiting_payment; review), or `held` for a hold without an order. Held rows have an end. If there
-- are more than p_limit rows, it answers p_limit + 1, and the caller continues after the last row
-- that it shows. All numbers of one page are from one instant. Between two pages somebody may have
-- booked. Reads one page of the sold rows, their units in an index, and every active hold of the
-- sku. No locks, and no flush: a booking from just before a crash may be shown and then be gone.
create or replace function holdfast.sku_manifest(
    p_shop text, p_sku text, p_after_at timestamptz, p_after_id uuid, p_limit integer)
    returns jsonb
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_after_at timestamptz := coalesce(p_after_at, '-infinity');
    v_after_id uuid := coalesce(p_after_id, '00000000-0000-0000-0000-000000000000');
begin
    return (
        with sold as (
            select o.order_id, l.checkout_id, o.customer, o.placed_by, l.quantity, o.status,
                null::timestamptz as expires_at, l.begun_at as created_at
            from (
                select s.order_id, s.checkout_id, s.begun_at, s.quantity - s.returned as quantity
                from order_lines s
                where s.shop = p_shop and s.sku = p_sku and s.sold and s.returned < s.quantity
                    and (s.begun_at, s.checkout_id) > (v_after_at, v_after_id)
                order by s.begun_at, s.checkout_id limit p_limit + 1) l
                join orders o on o.shop = p_shop and o.order_id = l.order_id),
        held as (
            select o.order_id, h.checkout_id, h.customer, null, h.quantity,
                coalesce(o.status, 'held'), h.expires_at, h.created_at
            from (
                select a.checkout_id, c.customer, a.quantity, a.expires_at, c.created_at
                from holds a join checkouts c on c.shop = a.shop and c.checkout_id = a.checkout_id
                where a.shop = p_shop and a.sku = p_sku and a.status = 'active'
                    and (c.created_at, c.checkout_id) > (v_after_at, v_after_id)
                order by c.created_at, c.checkout_id limit p_limit + 1) h
                left join orders o on o.shop = p_shop and o.checkout_id = h.checkout_id),
        page as (
            select * from (select * from sold union all select * from held) seat
            order by seat.created_at, seat.checkout_id limit p_limit + 1)
        select jsonb_build_object(
            'sku', k.sku,
            'title', k.title,
            'attributes', k.attributes,
            'sale_closes_at', k.sale_closes_at,
            'departs_at', k.departs_at,
            'on_hand', l.on_hand,
            'held', l.held,
            'available', l.on_hand - l.held,
            'sold', (
                select coalesce(sum(s.quantity - s.returned), 0) from order_lines s
                where s.shop = p_shop and s.sku = p_sku and s.sold and s.returned < s.quantity),
            'rows', (
                select coalesce(jsonb_agg(to_jsonb(p) order by p.created_at, p.checkout_id), '[]')
                from page p),
            'server_time', clock_timestamp())
        from skus k join stock_levels l on l.shop = k.shop and l.sku = k.sku
        where k.shop = p_shop and k.sku = p_sku);
end;
$$;
