-- An order as its readers see it, as the JSON of the HTTP contract. It reads as `expired` as soon
-- as its hold has ended by the database's clock, swept or not. Locks the order FOR KEY SHARE: an
-- answer is an acknowledgement (see checkout_describe).
create or replace function holdfast.order_describe(p_shop text, p_order_id uuid) returns jsonb
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_order orders%rowtype;
    v_expires_at timestamptz;
    v_order_hold_s integer;
begin
    select * into v_order from orders o where o.shop = p_shop and o.order_id = p_order_id
        for key share;
    select c.expires_at, s.order_hold_s into v_expires_at, v_order_hold_s
    from checkouts c join shops s on s.shop = c.shop
    where c.shop = p_shop and c.checkout_id = v_order.checkout_id;
    return jsonb_build_object(
        'order_id', v_order.order_id,
        'checkout_id', v_order.checkout_id,
        'customer', v_order.customer,
        'status', case when v_order.status = 'awaiting_payment' and v_expires_at <= v_now
            then 'expired' else v_order.status end,
        'lines', (
            select jsonb_agg(jsonb_build_object('sku', l.sku, 'quantity', l.quantity, 'price_minor',
                l.price_minor, 'discount_minor', l.discount_minor)
                order by l.sku)
            from order_lines l where l.shop = p_shop and l.order_id = p_order_id),
        'subtotal_minor', v_order.subtotal_minor,
        'discount_minor', v_order.discount_minor,
        'total_minor', v_order.total_minor,
        'currency', v_order.currency,
        'coupon', v_order.coupon_code,
        'address', v_order.address,
        'address_id', v_order.address_id,
        'payment', (
            select jsonb_build_object('reference', p.reference, 'status', p.status, 'method',
                p.method,
                'amount_minor', p.amount_minor)
            from payments p where p.shop = p_shop and p.order_id = p_order_id),
        'expires_at', v_expires_at,
        'expires_at_latest', greatest(v_expires_at,
            v_order.created_at + make_interval(secs => v_order_hold_s)),
        'server_time', v_now);
end;
$$;
