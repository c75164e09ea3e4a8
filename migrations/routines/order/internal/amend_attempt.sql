-- One attempt of order_amend, in the caller's transaction. Outcomes beside those of order_amend:
-- `again` and `reclaim`, as in checkout_begin_attempt. Only `amended` and `same` can be committed.
-- Locks: the checkout, the order, the payment, the customer's counts, then the stock levels of
-- p_skus and of the order's own lines, by sku.
--
-- A sku of which the party gets more must be on sale: a closed sale sells nothing more. A sku of
-- which the party keeps as many or fewer, or gets back no more than it had before, need not be on
-- sale, and a limit that was lowered since does not refuse it. Restocked units are no longer part
-- of the order: the new lines are everything that the party has and pays for. An order with a
-- coupon keeps its lines, because the discount was computed for them.
create or replace function holdfast.order_amend_attempt(
    p_shop text, p_checkout_id uuid, p_expected_version bigint, p_actor text,
    p_skus text[], p_quantities integer[], p_reclaim boolean) returns holdfast.order_answer
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_answer order_answer;
    v_now timestamptz := clock_timestamp();
    v_locked record;
    v_order orders%rowtype;
    v_payment payments%rowtype;
    v_unknown text[];
    v_not_on_sale text[];
    v_line record;
    v_moved record;
    v_allowed integer;
    v_free integer[] := '{}';
    v_begun_at timestamptz;
    v_total_minor bigint;
begin
    perform lines_check('order_amend', p_skus, p_quantities);
    v_locked := order_desk_lock(p_shop, p_checkout_id, null);
    v_order := v_locked.o_order;
    v_payment := v_locked.o_payment;
    v_answer.o_outcome := case
        when not v_locked.o_found then 'not_found'
        when v_payment.method <> 'offline' then 'not_offline'
        when v_order.status <> 'paid' then 'order_ended'
        when v_order.coupon_code is not null then 'order_has_coupon'
        -- compared before the version: a retry carries the old version
        when not exists (
            select from unnest(p_skus, p_quantities) w (sku, quantity)
                full join (
                    select * from order_lines o
                    where o.shop = p_shop and o.order_id = v_order.order_id) l on l.sku = w.sku
            where w.quantity is distinct from l.quantity or l.returned <> 0)
            then 'same'
        when v_order.version <> p_expected_version then 'stale'
        when v_order.version >= order_changes_max() then 'too_many_changes'
    end;
    if v_answer.o_outcome in ('same', 'stale') then
        v_answer.o_order := order_desk_describe(p_shop, v_order.order_id);
    end if;
    if v_answer.o_outcome is not null then
        return v_answer;
    end if;

    select array_agg(d.o_sku) filter (where d.o_price_minor is null),
        array_agg(d.o_sku) filter (where not d.o_may_sell)
    into v_unknown, v_not_on_sale
    from order_differences(p_shop, v_order.order_id, p_skus, p_quantities) d
    where d.o_wanted > d.o_kept;
    if v_unknown is not null or v_not_on_sale is not null then
        v_answer.o_outcome := case when v_unknown is null then 'not_on_sale' else 'unknown_sku' end;
        v_answer.o_refused_skus := coalesce(v_unknown, v_not_on_sale);
        return v_answer;
    end if;

    -- A line counts against a limit with all of its units, or with none.
    for v_line in
        select d.o_sku as sku,
            d.o_wanted - case when d.o_limited then d.o_kept else 0 end as more,
            case when d.o_wanted <= d.o_had then d.o_had end as kept
        from order_differences(p_shop, v_order.order_id, p_skus, p_quantities) d
        where d.o_limited and d.o_wanted < d.o_kept or d.o_limits and d.o_wanted > d.o_kept
    loop
        v_allowed := limit_change(
            p_shop, v_order.customer_key, v_line.sku, v_line.more, v_line.kept);
        if v_allowed is not null then
            v_answer.o_refused_skus := v_answer.o_refused_skus || v_line.sku;
            v_answer.o_refused_available := v_answer.o_refused_available || v_allowed;
        end if;
    end loop;
    if v_answer.o_refused_skus is not null then
        insert into must_roll_back (shop) values (p_shop);
        v_answer.o_outcome := case when p_reclaim and exists (
            select from checkouts c
            where c.shop = p_shop and c.counted_as = v_order.customer_key
                and c.expires_at <= v_now)
            then 'reclaim' else 'limit_reached' end;
        v_answer.o_reclaim := row(null, null, v_order.customer_key)::reclaim;
        return v_answer;
    end if;

    for v_line in
        select d.o_sku as sku, d.o_wanted as wanted, d.o_kept as kept
        from order_differences(p_shop, v_order.order_id, p_skus, p_quantities) d
        where d.o_wanted <> d.o_kept
    loop
        v_moved := order_move_stock(p_shop, v_line.sku, v_line.kept - v_line.wanted,
            case when v_line.wanted > v_line.kept then 'sold' else 'returned' end,
            p_actor, v_payment.reference);
        if not v_moved.o_moved then
            v_answer.o_refused_skus := v_answer.o_refused_skus || v_line.sku;
            v_answer.o_refused_available :=
                v_answer.o_refused_available || v_moved.o_free + v_line.kept;
            v_free := v_free || v_moved.o_free;
        end if;
    end loop;
    if v_answer.o_refused_skus is not null then
        -- half of a move may be written already, and must not be committed alone
        insert into must_roll_back (shop) values (p_shop);
        v_answer.o_outcome := shortage_outcome(
            p_shop, v_answer.o_refused_skus, v_free, v_now, p_reclaim);
        v_answer.o_reclaim := row(v_answer.o_refused_skus, null, null)::reclaim;
        return v_answer;
    end if;

    select c.created_at into v_begun_at from checkouts c
    where c.shop = p_shop and c.checkout_id = p_checkout_id;
    for v_line in
        select d.o_sku as sku, d.o_wanted as wanted, d.o_price_minor as price_minor,
            d.o_limited or d.o_limits and d.o_wanted > d.o_kept as limited
        from order_differences(p_shop, v_order.order_id, p_skus, p_quantities) d
        where d.o_wanted > 0
    loop
        insert into order_lines (shop, order_id, sku, quantity, price_minor, limited,
            checkout_id, begun_at, sold)
        values (p_shop, v_order.order_id, v_line.sku, v_line.wanted, v_line.price_minor,
            v_line.limited, p_checkout_id, v_begun_at, true)
        on conflict (shop, order_id, sku) do update
        set quantity = excluded.quantity, returned = 0, limited = excluded.limited;
    end loop;
    delete from order_lines l
    where l.shop = p_shop and l.order_id = v_order.order_id and l.sku <> all (p_skus);
    select sum(l.quantity * l.price_minor) into v_total_minor from order_lines l
    where l.shop = p_shop and l.order_id = v_order.order_id;
    v_now := clock_timestamp();
    update orders o
    set subtotal_minor = v_total_minor, total_minor = v_total_minor, version = o.version + 1,
        changed_at = v_now
    where o.shop = p_shop and o.order_id = v_order.order_id
    returning * into v_order;
    update payments p set amount_minor = v_order.total_minor
    where p.shop = p_shop and p.reference = v_payment.reference;
    insert into outbox_messages (shop, topic, subject, body, created_at)
    values (p_shop, 'order.amended', v_order.order_id || ':' || v_order.version,
        jsonb_build_object('order_id', v_order.order_id, 'checkout_id', p_checkout_id,
            'reference', v_payment.reference, 'version', v_order.version,
            'total_minor', v_order.total_minor, 'currency', v_order.currency), v_now);
    v_answer.o_outcome := 'amended';
    v_answer.o_order := order_desk_describe(p_shop, v_order.order_id);
    return v_answer;
end;
$$;
