-- Cancels an order that was paid at the desk, or a free one. All units that have not come back yet
-- come back now, as do the use of its coupon and its units in the customer's limits. The payment
-- stays paid: money that was paid at the desk is given back at the desk. Outcomes: cancelled, same
-- (it was cancelled before), not_found, not_offline (its money came through a gateway),
-- order_ended, stale (the order has another version than p_expected_version; null: any version will
-- do). Locks: the checkout, the order, the payment, the coupon, the customer's counts, then
-- stock levels by sku.
create or replace function holdfast.order_cancel(
    p_shop text, p_checkout_id uuid, p_actor text, p_expected_version bigint,
    out o_outcome text, out o_order jsonb)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz;
    v_locked record;
    v_order orders%rowtype;
    v_payment payments%rowtype;
    v_line record;
begin
    v_locked := order_desk_lock(p_shop, p_checkout_id, null);
    -- after the wait for the locks: a change that came first has an earlier time
    v_now := clock_timestamp();
    v_order := v_locked.o_order;
    v_payment := v_locked.o_payment;
    o_outcome := case
        when not v_locked.o_found then 'not_found'
        when v_payment.method <> 'offline' and v_order.total_minor > 0 then 'not_offline'
        when v_order.status = 'cancelled' then 'same'
        when v_order.status <> 'paid' then 'order_ended'
        when v_order.version <> p_expected_version then 'stale'
        else 'cancelled'
    end;
    if o_outcome = 'cancelled' then
        update orders o
        set status = 'cancelled', version = o.version + 1, changed_at = v_now
        where o.shop = p_shop and o.order_id = v_order.order_id;
        insert into outbox_messages (shop, topic, subject, body, created_at)
        values (p_shop, 'order.cancelled', v_order.order_id::text,
            jsonb_build_object('order_id', v_order.order_id, 'checkout_id', p_checkout_id,
                'reference', v_payment.reference, 'total_minor', v_order.total_minor,
                'currency', v_order.currency), v_now);
        perform coupon_settle(p_shop, v_order.order_id);
        -- the customer's limits
        for v_line in
            select l.sku, l.quantity - l.returned as units from order_lines l
            where l.shop = p_shop and l.order_id = v_order.order_id and l.limited
                and l.returned < l.quantity
            order by l.sku
        loop
            perform limit_change(p_shop, v_order.customer_key, v_line.sku, -v_line.units);
        end loop;
        for v_line in
            select l.sku, l.quantity - l.returned as units from order_lines l
            where l.shop = p_shop and l.order_id = v_order.order_id and l.returned < l.quantity
            order by l.sku
        loop
            perform order_move_stock(
                p_shop, v_line.sku, v_line.units, 'returned', p_actor, v_payment.reference);
        end loop;
        update order_lines l set returned = l.quantity
        where l.shop = p_shop and l.order_id = v_order.order_id;
    end if;
    if o_outcome in ('cancelled', 'same', 'stale') then
        o_order := order_desk_describe(p_shop, v_order.order_id);
    end if;
end;
$$;
