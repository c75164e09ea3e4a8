-- Puts units of a sold order back on the shelf: returned goods, online or offline, in parts if
-- needed, never more than were sold. Money does not change. Outcomes: restocked; same (a repeated
-- request with this p_return_id); not_found; return_conflict (this p_return_id belongs to another
-- request); not_sold (the order never sold anything); too_many_changes (order_changes_max);
-- too_many (some lines ask for more units than can still come back: all of these lines, and how
-- many can). When everything has come back, so has the coupon's use. Locks: the checkout, the
-- order, the payment, the return's id, the coupon, the customer's counts, then stock levels by sku.
create or replace function holdfast.order_restock(
    p_shop text, p_order_id uuid, p_return_id uuid, p_request_hash bytea, p_actor text, p_note text,
    p_skus text[], p_quantities integer[],
    out o_outcome text, out o_order jsonb,
    out o_refused_skus text[], out o_refused_returnable integer[])
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_locked record;
    v_order orders%rowtype;
    v_payment payments%rowtype;
    v_same boolean;
    v_line record;
    v_now timestamptz;
begin
    perform lines_check('order_restock', p_skus, p_quantities);
    v_locked := order_desk_lock(p_shop, null, p_order_id);
    v_order := v_locked.o_order;
    v_payment := v_locked.o_payment;
    if not v_locked.o_found then
        o_outcome := 'not_found';
        return;
    end if;
    select r.order_id = p_order_id and r.request_hash = p_request_hash into v_same
    from order_restocks r where r.shop = p_shop and r.return_id = p_return_id for key share;
    if found then
        o_outcome := case when v_same then 'same' else 'return_conflict' end;
        if v_same then
            o_order := order_desk_describe(p_shop, p_order_id);
        end if;
        return;
    end if;
    -- set when the stock was deducted, and never cleared
    if v_order.paid_at is null then
        o_outcome := 'not_sold';
        return;
    end if;
    if v_order.version >= order_changes_max() then
        o_outcome := 'too_many_changes';
        return;
    end if;
    select array_agg(w.sku order by w.nth), array_agg(coalesce(l.quantity - l.returned, 0)
        order by w.nth)
    into o_refused_skus, o_refused_returnable
    from unnest(p_skus, p_quantities) with ordinality w (sku, quantity, nth)
        left join order_lines l on l.shop = p_shop and l.order_id = p_order_id and l.sku = w.sku
    where w.quantity > coalesce(l.quantity - l.returned, 0);
    if o_refused_skus is not null then
        o_outcome := 'too_many';
        return;
    end if;

    insert into order_restocks (shop, return_id, order_id, request_hash, actor, created_at)
    values (p_shop, p_return_id, p_order_id, p_request_hash, p_actor, clock_timestamp())
    on conflict do nothing;
    if not found then
        -- another call has just used the id for another order
        o_outcome := 'return_conflict';
        return;
    end if;
    v_now := clock_timestamp();
    update orders o set version = o.version + 1, changed_at = v_now
    where o.shop = p_shop and o.order_id = p_order_id;
    update order_lines l set returned = l.returned + w.quantity
    from unnest(p_skus, p_quantities) w (sku, quantity)
    where l.shop = p_shop and l.order_id = p_order_id and l.sku = w.sku;
    perform coupon_settle(p_shop, p_order_id);
    -- returned units no longer count against the customer's limits
    for v_line in
        select o.sku, w.quantity as units
        from unnest(p_skus, p_quantities) w (sku, quantity)
            join order_lines o
                on o.shop = p_shop and o.order_id = p_order_id and o.sku = w.sku
        where o.limited
        order by o.sku
    loop
        perform limit_change(p_shop, v_order.customer_key, v_line.sku, -v_line.units);
    end loop;
    for i in 1 .. cardinality(p_skus) loop
        perform order_move_stock(p_shop, p_skus[i], p_quantities[i], 'returned', p_actor,
            v_payment.reference, p_note);
    end loop;
    o_outcome := 'restocked';
    o_order := order_desk_describe(p_shop, p_order_id);
end;
$$;
