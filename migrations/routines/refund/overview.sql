-- The captures and refunds of an order, as JSON. Null: there is no such order. Locks: the order FOR
-- KEY SHARE (see checkout_describe).
create or replace function holdfast.refund_overview(p_shop text, p_order_id uuid) returns jsonb
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_order orders%rowtype;
begin
    select * into v_order from orders o where o.shop = p_shop and o.order_id = p_order_id
        for key share;
    if not found then
        return null;
    end if;
    return (
        select jsonb_build_object('order_id', p_order_id, 'reference', p.reference,
            'status', v_order.status, 'total_minor', v_order.total_minor,
            'currency', v_order.currency,
            'disputed_at', (
                select min(d.opened_at) from disputes d
                where d.shop = p_shop and d.reference = p.reference and d.status = 'open'),
            'accepted_minor', p.accepted_minor, 'accepted_by', p.accepted_by,
            'accepted_note', p.accepted_note, 'accepted_at', p.accepted_at,
            'disputes', payment_describe_disputes(p_shop, p.reference, 200),
            'lines', order_describe_lines(p_shop, p_order_id),
            'refundable_minor', (
                select coalesce(sum(c.amount_minor - c.refunded_minor), 0)
                from refund_captures(p_shop, p.reference, p.currency, null) c),
            'captures', (
                select coalesce(jsonb_agg(capture_describe(c)
                    order by c.captured_at, c.gateway_payment_id), '[]')
                from payment_captures c where c.shop = p_shop and c.reference = p.reference),
            'refunds', (
                select coalesce(jsonb_agg(refund_describe(r)
                    order by r.created_at, r.refund_id), '[]')
                from refunds r where r.shop = p_shop and r.order_id = p_order_id),
            'server_time', clock_timestamp())
        from payments p where p.shop = p_shop and p.order_id = p_order_id);
end;
$$;
