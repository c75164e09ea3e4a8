-- Completes a paid order: consumes its holds, deducts stock, writes the ledger, consumes the
-- coupon's use, marks order and checkout as paid, and announces it. All lines or none: a line that
-- can't be deducted fails the transaction. The caller has locked the checkout; its holds are
-- active, and the payment is paid. The ledger's actor is the dispatcher, or `customer:` and the
-- customer's name: a shopper may have the name of a clerk. Locks: the order, the coupon, the
-- customer's counts, stock levels by sku.
create or replace function holdfast.order_complete(p_shop text, p_order_id uuid) returns void
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_order orders%rowtype;
    v_reference text;
    v_line record;
    v_version bigint;
    v_on_hand integer;
begin
    select p.reference into v_reference from payments p where p.shop = p_shop
        and p.order_id = p_order_id;
    update orders o
    set status = 'paid', paid_at = v_now,
        coupon_use = case o.coupon_use when 'held' then 'consumed' else o.coupon_use end
    where o.shop = p_shop and o.order_id = p_order_id
    returning * into v_order;
    update order_lines l set sold = true where l.shop = p_shop and l.order_id = p_order_id;
    if v_order.coupon_use = 'consumed' then
        perform coupon_count(p_shop, v_order.coupon_code, v_order.customer_key, -1, 1);
    end if;
    perform limit_resolve(p_shop, array[v_order.checkout_id], true);
    update checkouts c set status = 'paid', ended_at = v_now
    where c.shop = p_shop and c.checkout_id = v_order.checkout_id;
    insert into outbox_messages (shop, topic, subject, body, created_at)
    values (p_shop, 'order.paid', p_order_id::text,
        jsonb_build_object('order_id', p_order_id, 'checkout_id', v_order.checkout_id, 'reference',
            v_reference,
            'total_minor', v_order.total_minor, 'currency', v_order.currency), v_now);
    for v_line in
        with consumed as (
            update holds h set status = 'consumed', resolved_at = v_now
            where h.shop = p_shop and h.checkout_id = v_order.checkout_id
                -- coalesce: by the primary key (checkout_end)
                and coalesce(h.resolved_at, 'infinity') = 'infinity'
            returning h.sku, h.quantity)
        select c.sku, c.quantity from consumed c order by c.sku
    loop
        update stock_levels l
        set on_hand = l.on_hand - v_line.quantity, held = l.held - v_line.quantity,
            version = l.version + 1
        where l.shop = p_shop and l.sku = v_line.sku
        returning l.version, l.on_hand into strict v_version, v_on_hand;
        insert into stock_movements (shop, sku, version, delta, on_hand_after, reason, actor,
            reference, created_at)
        values (p_shop, v_line.sku, v_version, -v_line.quantity, v_on_hand, 'sold',
            coalesce(v_order.placed_by, 'customer:' || v_order.customer), v_reference, v_now);
    end loop;
end;
$$;
