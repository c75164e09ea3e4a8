-- The work of order_create_attempt, and of a booking at the desk, in the caller's transaction. No
-- role may call it, because it would name any dispatcher, and sell without a gateway. Outcomes
-- beside those of order_create: `again` and `reclaim`, as in checkout_hold_cart; `reclaim` also for
-- due orders that hold uses of the coupon. Only `created` and `same` can be committed. p_placed_by:
-- the dispatcher who makes the order, who may always sell without a gateway; null: the customer.
-- p_gateway and p_gateway_ready: as in amount_check. Locks: the checkout, the coupon, then stock
-- levels by sku.
create or replace function holdfast.order_make(
    p_shop text, p_checkout_id uuid, p_customer text, p_request_hash bytea, p_order_id uuid,
    p_reference text, p_method text, p_coupon text, p_address jsonb, p_address_id uuid,
    p_save_address boolean, p_placed_by text, p_reclaim boolean, p_gateway text default null,
    p_gateway_ready boolean default true) returns holdfast.order_answer
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_answer order_answer;
    v_now timestamptz;
    v_shop shops%rowtype;
    v_checkout checkouts%rowtype;
    v_order orders%rowtype;
    v_address jsonb := p_address;
    v_customer_key text;
    v_cart record;
    v_recheck record;
    v_subtotal bigint;
    v_discount bigint := 0;
    v_payable record;
    v_held hold_answer;
    v_expires_at timestamptz;
begin
    select * into v_checkout from checkouts c
    where c.shop = p_shop and c.checkout_id = p_checkout_id
        and (p_customer is null or c.customer = p_customer)
    for no key update;  -- guard(checkout_has_one_order)
    if not found then
        v_answer.o_outcome := 'not_found';
        return v_answer;
    end if;
    v_now := clock_timestamp();
    select * into v_shop from shops s where s.shop = p_shop;

    select * into v_order from orders o where o.shop = p_shop and o.checkout_id = p_checkout_id;
    if found then
        v_answer.o_outcome := case when v_order.request_hash = p_request_hash
            then 'same' else 'order_conflict' end;
        v_payable := amount_check(p_gateway, p_gateway_ready, v_order.total_minor,
            v_order.currency);
        -- another gateway than before may not take the order's total
        if v_answer.o_outcome = 'same' and v_order.status = 'awaiting_payment'
            and v_payable.o_outcome <> 'payable'
        then
            v_answer.o_outcome := v_payable.o_outcome;
            v_answer.o_details := v_payable.o_details;
            return v_answer;
        end if;
        v_answer.o_order := order_describe(p_shop, v_order.order_id);
        return v_answer;
    end if;
    -- race(checkout_has_one_order): read, nothing written
    v_answer.o_outcome := case
        when p_method = 'offline' and p_placed_by is null and not v_shop.offline_allowed
            then 'offline_not_allowed'
        when v_checkout.status not in ('open', 'expired') then 'checkout_ended'
        when v_checkout.created_at + make_interval(secs => v_shop.hold_s_max) < v_now
            then 'checkout_too_old'
    end;
    if v_answer.o_outcome is not null then
        return v_answer;
    end if;
    if v_address is null and p_address_id is not null then
        select a.address into v_address from addresses a
        where a.shop = p_shop and a.address_id = p_address_id and a.customer = v_checkout.customer;
        if not found then
            v_answer.o_outcome := 'address_unknown';
            return v_answer;
        end if;
    end if;

    select sum(h.quantity * h.price_minor) as subtotal, array_agg(h.sku order by h.sku) as skus,
        array_agg(h.quantity order by h.sku) as quantities,
        array_agg(h.price_minor order by h.sku) as prices
    into v_cart
    from holds h
    where h.shop = p_shop and h.checkout_id = p_checkout_id
        and h.generation = v_checkout.generation;
    v_subtotal := v_cart.subtotal;
    -- The same answer whether the hold that ended was swept or not.
    if v_checkout.expires_at <= v_now then
        v_recheck := cart_recheck(p_shop, v_cart.skus, v_cart.prices, v_now);
        if v_recheck.o_outcome <> 'unchanged' then
            v_answer.o_outcome := v_recheck.o_outcome;
            v_answer.o_refused_skus := v_recheck.o_skus;
            v_answer.o_details := v_recheck.o_details;
            return v_answer;
        end if;
    end if;
    -- everything of one order counts under one key
    v_customer_key := coalesce(v_checkout.counted_as, customer_key(p_shop, v_checkout.customer));
    if p_coupon is not null then
        select c.o_outcome, c.o_discount into v_answer.o_outcome, v_discount
        from coupon_hold(p_shop, p_coupon, v_checkout, v_customer_key, v_now) c;
        if v_answer.o_outcome in ('coupon_used_up', 'coupon_used_up_by_customer') and p_reclaim
            and coupon_has_due_uses(p_shop, p_coupon)
        then
            v_answer.o_outcome := 'reclaim';
            v_answer.o_reclaim := row(null, p_coupon, null)::reclaim;
        end if;
        if v_answer.o_outcome <> 'held' then
            return v_answer;
        end if;
    end if;

    v_payable := amount_check(p_gateway, p_gateway_ready, v_subtotal - v_discount,
        v_shop.currency);
    if v_payable.o_outcome <> 'payable' then
        -- the coupon's use is held, and must not be committed alone
        insert into must_roll_back (shop) values (p_shop);
        v_answer.o_outcome := v_payable.o_outcome;
        v_answer.o_details := v_payable.o_details;
        return v_answer;
    end if;

    -- An expired hold is held again. A due hold still belongs to this checkout.
    if v_checkout.status = 'expired' then
        v_held := checkout_hold_again(p_shop, p_checkout_id, v_cart.skus, v_cart.quantities,
            v_cart.prices);
        v_answer.o_outcome := v_held.o_outcome;
        if v_held.o_outcome = 'shortage' then
            -- the new holds end later than v_now, so they do not count as due
            v_answer.o_outcome := shortage_outcome(p_shop, v_held.o_refused_skus,
                v_held.o_refused_available, v_now, p_reclaim);
            v_answer.o_reclaim := row(v_held.o_refused_skus, null, null)::reclaim;
        end if;
        if v_answer.o_outcome <> 'held' then
            v_answer.o_refused_skus := v_held.o_refused_skus;
            v_answer.o_refused_requested := v_held.o_refused_requested;
            v_answer.o_refused_available := v_held.o_refused_available;
            return v_answer;
        end if;
    end if;
    -- No refusal follows. A refusal above has written nothing, or can't be committed.
    if p_address is not null and p_save_address then
        insert into addresses (shop, address_id, customer, address)
        values (p_shop, p_address_id, v_checkout.customer, p_address);
    end if;
    v_expires_at := v_now + make_interval(
        secs => least(v_shop.order_hold_s_untried, v_shop.order_hold_s));
    update checkouts c
    set status = 'ordered', ended_at = null, expires_at = greatest(c.expires_at, v_expires_at)
    where c.shop = p_shop and c.checkout_id = p_checkout_id
    returning * into v_checkout;
    update holds h set expires_at = v_checkout.expires_at
    where h.shop = p_shop and h.checkout_id = p_checkout_id
        and h.generation = v_checkout.generation
        and coalesce(h.resolved_at, 'infinity') = 'infinity';

    if v_checkout.counted_as <> v_customer_key then
        -- the shop has just changed how it folds names: the coupon and the units need one key
        insert into must_roll_back (shop) values (p_shop);
        v_answer.o_outcome := 'again';
        return v_answer;
    end if;
    insert into orders (shop, order_id, checkout_id, customer, customer_key, placed_by, currency,
        subtotal_minor, discount_minor, total_minor, coupon_code, coupon_use, address, address_id,
        request_hash, created_at)
    values (p_shop, p_order_id, p_checkout_id, v_checkout.customer, v_customer_key, p_placed_by,
        v_shop.currency, v_subtotal, v_discount, v_subtotal - v_discount, p_coupon,
        case when p_coupon is null then 'none' else 'held' end, v_address, p_address_id,
        p_request_hash, v_now);
    insert into order_lines (shop, order_id, sku, quantity, price_minor, limited, checkout_id,
        begun_at)
    select p_shop, p_order_id, h.sku, h.quantity, h.price_minor, h.limited, p_checkout_id,
        v_checkout.created_at
    from holds h
    where h.shop = p_shop and h.checkout_id = p_checkout_id
        and h.generation = v_checkout.generation;
    if v_discount > 0 then
        perform order_share_discount(p_shop, p_order_id);
    end if;
    insert into payments (shop, reference, order_id, method, amount_minor, currency, created_at,
        look_up_at)
    values (p_shop, p_reference, p_order_id, p_method, v_subtotal - v_discount, v_shop.currency,
        v_now, case when p_method = 'online' then v_now end);

    -- No webhook will come: the dispatcher takes the money, or the total is zero.
    if p_method = 'offline' or v_subtotal = v_discount then
        update payments p set status = 'paid', paid_at = v_now
        where p.shop = p_shop and p.reference = p_reference;
        perform order_complete(p_shop, array[p_order_id]);
    end if;
    v_answer.o_outcome := 'created';
    v_answer.o_order := order_describe(p_shop, p_order_id);
    return v_answer;
end;
$$;
