-- The captures and refunds of an order, as JSON. Null: there is no such order. Locks: the order FOR
-- KEY SHARE (see checkout_describe).
create or replace function holdfast.refund_overview(p_shop text, p_order_id uuid) returns jsonb
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_order orders%rowtype;
    v_payment payments%rowtype;
    v_disputed_at timestamptz;
    v_refundable_minor bigint;
    v_captures jsonb;
    v_refunds jsonb;
begin
    select * into v_order from orders o where o.shop = p_shop and o.order_id = p_order_id
        for key share;
    if not found then
        return null;
    end if;
    select * into strict v_payment from payments p
    where p.shop = p_shop and p.order_id = p_order_id;
    select min(d.opened_at) into v_disputed_at from disputes d
    where d.shop = p_shop and d.reference = v_payment.reference and d.status = 'open';
    select coalesce(sum(c.amount_minor - c.refunded_minor), 0) into v_refundable_minor
    from refund_captures(p_shop, v_payment.reference, v_payment.currency, null) c;
    select coalesce(jsonb_agg(capture_describe(c) order by c.captured_at, c.gateway_payment_id),
        '[]')
    into v_captures
    from (
        select * from payment_captures k
        where k.shop = p_shop and k.reference = v_payment.reference) c;
    select coalesce(jsonb_agg(refund_describe(r) order by r.created_at, r.refund_id), '[]')
    into v_refunds
    from (select * from refunds k where k.shop = p_shop and k.order_id = p_order_id) r;
    return jsonb_build_object('order_id', p_order_id, 'reference', v_payment.reference,
        'status', v_order.status, 'total_minor', v_order.total_minor,
        'currency', v_order.currency, 'disputed_at', v_disputed_at,
        'accepted_minor', v_payment.accepted_minor, 'accepted_by', v_payment.accepted_by,
        'accepted_note', v_payment.accepted_note, 'accepted_at', v_payment.accepted_at,
        'disputes', payment_describe_disputes(p_shop, v_payment.reference, 200),
        'lines', order_describe_lines(p_shop, p_order_id),
        'refundable_minor', v_refundable_minor, 'captures', v_captures, 'refunds', v_refunds,
        'server_time', clock_timestamp());
end;
$$;
