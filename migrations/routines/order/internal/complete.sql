-- Completes paid orders: consumes their holds, deducts stock, writes the ledger, consumes the uses
-- of their coupons, marks orders and checkouts as paid, and announces it. All lines or none: a line
-- that can't be deducted fails the transaction. The caller has locked the checkouts; their holds
-- are active, and the payments are paid. Each order gets its own movement of each sku, in the order
-- of p_order_ids. The ledger's actor is the dispatcher, or `customer:` and the customer's name: a
-- shopper may have the name of a clerk. Locks: the orders, the coupons by code, the customers'
-- counts, stock levels by sku.
create or replace function holdfast.order_complete(p_shop text, p_order_ids uuid[]) returns void
language plpgsql
    set search_path = holdfast, pg_temp set plan_cache_mode = auto as $$
declare
    v_now timestamptz := clock_timestamp();
    v_order record;
    v_lines record;
    v_versions bigint[] := '{}';
    v_on_hands integer[] := '{}';
    v_version bigint;
    v_on_hand integer;
    v_mode text;
begin
    -- An array seems to be worth a plan of its own in each call. It is not, except on Citus, which
    -- plans a statement for one shop. The SET clause above ends it with this call.
    if current_setting('citus.version', true) is null then
        v_mode := set_config('plan_cache_mode', 'force_generic_plan', true);
    end if;
    -- The orders, as one array for each column. `nth`: their numbers.
    with completed as (
        update orders o
        set status = 'paid', paid_at = v_now,
            coupon_use = case when o.coupon_use = 'held' then 'consumed' else o.coupon_use end
        where o.shop = p_shop and o.order_id = any (p_order_ids)
        returning o.order_id, o.checkout_id, o.total_minor, o.currency, o.coupon_code,
            o.coupon_use, o.customer_key, array_position(p_order_ids, o.order_id) as nth,
            coalesce(o.placed_by, 'customer:' || o.customer) as actor)
    select array_agg(c.checkout_id order by c.nth) as checkout_ids,
        array_agg(c.actor order by c.nth) as actors,
        array_agg(p.reference order by c.nth) as payments,
        array_agg(jsonb_build_object('order_id', c.order_id, 'checkout_id', c.checkout_id,
            'reference', p.reference, 'total_minor', c.total_minor, 'currency', c.currency)
            order by c.nth) as announcements,
        array_agg(c.coupon_code order by c.coupon_code, c.customer_key)
            filter (where c.coupon_use = 'consumed') as codes,
        array_agg(c.customer_key order by c.coupon_code, c.customer_key)
            filter (where c.coupon_use = 'consumed') as customers
    into v_order
    from completed c
        left join lateral (
            select k.reference from payments k
            where k.shop = p_shop and k.order_id = c.order_id limit 1) p on true;
    update order_lines l set sold = true where l.shop = p_shop and l.order_id = any (p_order_ids);
    for i in 1 .. coalesce(cardinality(v_order.codes), 0) loop
        perform coupon_count(p_shop, v_order.codes[i], v_order.customers[i], -1, 1);
    end loop;
    perform limit_resolve(p_shop, v_order.checkout_ids, true);
    update checkouts c set status = 'paid', ended_at = v_now
    where c.shop = p_shop and c.checkout_id = any (v_order.checkout_ids);
    insert into outbox_messages (shop, topic, subject, body, created_at)
    select p_shop, 'order.paid', a.body ->> 'order_id', a.body, v_now
    from unnest(v_order.announcements) a (body);
    with consumed as (
        update holds h set status = 'consumed', resolved_at = v_now
        where h.shop = p_shop and h.checkout_id = any (v_order.checkout_ids)
            -- coalesce: by the primary key (checkout_end)
            and coalesce(h.resolved_at, 'infinity') = 'infinity'
        returning h.sku, h.quantity, array_position(v_order.checkout_ids, h.checkout_id) as nth)
    select array_agg(c.sku order by c.sku, c.nth) as skus,
        array_agg(c.quantity order by c.sku, c.nth) as quantities,
        array_agg(c.nth order by c.sku, c.nth) as orders
    into v_lines from consumed c;
    for i in 1 .. coalesce(cardinality(v_lines.skus), 0) loop
        update stock_levels l
        set on_hand = l.on_hand - v_lines.quantities[i], held = l.held - v_lines.quantities[i],
            sold = l.sold + v_lines.quantities[i], version = l.version + 1
        where l.shop = p_shop and l.sku = v_lines.skus[i]
        returning l.version, l.on_hand into strict v_version, v_on_hand;
        v_versions[i] := v_version;
        v_on_hands[i] := v_on_hand;
    end loop;
    insert into stock_movements (shop, sku, version, delta, on_hand_after, reason, actor,
        reference, created_at)
    select p_shop, w.sku, w.version, -w.quantity, w.on_hand, 'sold', v_order.actors[w.nth],
        v_order.payments[w.nth], v_now
    from unnest(v_lines.skus, v_versions, v_lines.quantities, v_on_hands, v_lines.orders) w (
        sku, version, quantity, on_hand, nth);
end;
$$;
