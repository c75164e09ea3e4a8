-- The history of one checkout, as JSON: the checkout, every hold of every generation, its order
-- with lines and payment, the gateway's events, captures and refunds, its movements in the ledger
-- and its messages. Each list has p_limit rows at most, the newest. No locks.
create or replace function holdfast.history_describe(
    p_shop text, p_checkout_id uuid, p_limit integer) returns jsonb
language plpgsql stable set search_path = holdfast, pg_temp as $$
declare
    v_checkout checkouts%rowtype;
    v_order orders%rowtype;
    v_payment payments%rowtype;
    v_disputes jsonb;
    v_refund_ids text[];
    v_announcements jsonb;
begin
    select * into v_checkout from checkouts c
        where c.shop = p_shop and c.checkout_id = p_checkout_id;
    select * into v_order from orders o where o.shop = p_shop and o.checkout_id = p_checkout_id;
    select * into v_payment from payments p
        where p.shop = p_shop and p.order_id = v_order.order_id;
    v_disputes := payment_describe_disputes(p_shop, v_payment.reference, p_limit);
    v_refund_ids := array(
        select r.refund_id::text from refunds r
        where r.shop = p_shop and r.order_id = v_order.order_id
        order by r.created_at desc, r.refund_id limit p_limit);
    v_announcements := history_announcements(p_shop, array[
        p_checkout_id::text, v_order.order_id::text, v_payment.reference,
        v_payment.gateway || ':' || v_payment.gateway_payment_id,
        v_payment.gateway || ':' || v_payment.reference] || v_refund_ids,
        v_payment.reference, p_limit);
    return jsonb_build_object(
        'checkout', to_jsonb(v_checkout) - '{shop,request_hash,counted_as}'::text[],
        -- staff ended it
        'revocation', (
            select to_jsonb(r) - '{shop,checkout_id}'::text[] from checkout_revocations r
            where r.shop = p_shop and r.checkout_id = p_checkout_id),
        'holds', (
            select coalesce(jsonb_agg(hold_describe(h) order by h.generation, h.sku), '[]')
            from (
                select * from holds h
                where h.shop = p_shop and h.checkout_id = p_checkout_id
                order by h.generation desc, h.sku limit p_limit) h),
        'order', case when v_order.order_id is not null then
            to_jsonb(v_order) - '{shop,request_hash,customer_key,changed_at}'::text[] end,
        'lines', (
            select coalesce(jsonb_agg(
                to_jsonb(l) - '{shop,order_id,checkout_id,begun_at,sold}'::text[] order by l.sku),
                '[]')
            from order_lines l where l.shop = p_shop and l.order_id = v_order.order_id),
        'payment', case when v_payment.reference is not null then
            to_jsonb(v_payment) - '{shop,order_id,look_up_at}'::text[] end,
        'payment_events', (
            select coalesce(jsonb_agg(event_describe(e) order by e.received_at, e.event_key), '[]')
            from (
                select * from payment_events e
                where e.shop = p_shop and e.reference = v_payment.reference
                order by e.received_at desc, e.event_key limit p_limit) e),
        'captures', (
            select coalesce(jsonb_agg(capture_describe(c)
                order by c.captured_at, c.gateway_payment_id), '[]')
            from (
                select * from payment_captures c
                where c.shop = p_shop and c.reference = v_payment.reference
                order by c.captured_at desc, c.gateway_payment_id limit p_limit) c),
        'refunds', (
            select coalesce(jsonb_agg(refund_describe(r) order by r.created_at, r.refund_id), '[]')
            from (
                select * from refunds r
                where r.shop = p_shop and r.order_id = v_order.order_id
                order by r.created_at desc, r.refund_id limit p_limit) r),
        'disputes', v_disputes,
        'stock_movements', (
            select coalesce(jsonb_agg(movement_describe(m) order by m.created_at, m.sku), '[]')
            from (
                select * from stock_movements m
                where m.shop = p_shop and m.reference = v_payment.reference
                order by m.created_at desc, m.sku limit p_limit) m),
        'outbox_messages', v_announcements);
end;
$$;
