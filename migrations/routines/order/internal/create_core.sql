-- The decision and the work of order_create, in the caller's transaction. Outcomes beside those of
-- order_create: `again` and `reclaim`, as in checkout_begin_core; `reclaim_coupon` (used up, but
-- orders that hold a use of it are due: roll back, reclaim them, call again). Of what is neither
-- `created` nor `same`, nothing can be committed. p_placed_by is the dispatcher in whose name it is
-- sold, null when the customer does it. Locks: the checkout, the coupon, then stock levels by sku.
create or replace function holdfast.order_create_core(
    p_shop text, p_checkout_id uuid, p_customer text, p_request_hash bytea, p_order_id uuid,
    p_reference text,
    p_method text, p_coupon text, p_address jsonb, p_address_id uuid, p_save_address boolean,
    p_placed_by text default null,
    out o_outcome text, out o_order jsonb,
    out o_refused_skus text[], out o_refused_requested integer[], out o_refused_available integer[])
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz;
    v_shop shops%rowtype;
    v_checkout checkouts%rowtype;
    v_order orders%rowtype;
    v_address jsonb := p_address;
    v_subtotal bigint;
    v_discount bigint := 0;
    v_short record;
begin
    select * into v_checkout from checkouts c
    where c.shop = p_shop and c.checkout_id = p_checkout_id
        and (p_customer is null or c.customer = p_customer)
    for no key update;  -- guard(checkout_has_one_order)
    if not found then
        o_outcome := 'not_found';
        return;
    end if;
    v_now := clock_timestamp();
    select * into v_shop from shops s where s.shop = p_shop;

    select * into v_order from orders o where o.shop = p_shop and o.checkout_id = p_checkout_id;
    if found then
        o_outcome := case when v_order.request_hash = p_request_hash
            then 'same' else 'order_conflict' end;
        o_order := order_describe(p_shop, v_order.order_id);
        return;
    end if;
    -- race(checkout_has_one_order): read, nothing written
    if v_checkout.status not in ('open', 'expired') then
        o_outcome := 'checkout_ended';
        return;
    end if;
    if v_checkout.created_at + make_interval(secs => v_shop.hold_s_max) < v_now then
        o_outcome := 'checkout_too_old';
        return;
    end if;
    if v_address is null and p_address_id is not null then
        select a.address into v_address from addresses a
        where a.shop = p_shop and a.address_id = p_address_id and a.customer = v_checkout.customer;
        if not found then
            o_outcome := 'address_unknown';
            return;
        end if;
    end if;

    select sum(h.quantity * h.price_minor) into v_subtotal from holds h
    where h.shop = p_shop and h.checkout_id = p_checkout_id and h.take = v_checkout.take;
    if p_coupon is not null then
        select c.o_outcome, c.o_discount into o_outcome, v_discount
        from coupon_hold(p_shop, p_coupon, v_checkout, v_now) c;
        if o_outcome in ('coupon_used_up', 'coupon_used_up_by_customer')
            and coupon_is_due(p_shop, p_coupon)
        then
            o_outcome := 'reclaim_coupon';
        end if;
        if o_outcome <> 'held' then
            return;
        end if;
    end if;

    -- A hold that has ended is taken again; one that is merely due is still ours.
    if v_checkout.status = 'expired' then
        select t.* into v_short
        from (
            select array_agg(h.sku order by h.sku) as skus,
                array_agg(h.quantity order by h.sku) as quantities,
                array_agg(h.price_minor order by h.sku) as prices
            from holds h
            where h.shop = p_shop and h.checkout_id = p_checkout_id
                and h.take = v_checkout.take) lines,
            checkout_take_again(p_shop, p_checkout_id, lines.skus, lines.quantities,
                lines.prices) t;
        if v_short.o_limited then
            o_refused_skus := v_short.o_skus;
            o_refused_available := v_short.o_available;
            o_outcome := case v_short.o_skus when '{}' then 'too_many_checkouts'
                else 'limit_reached' end;
            return;
        end if;
        if v_short.o_skus <> '{}' then
            o_refused_skus := v_short.o_skus;
            o_refused_requested := v_short.o_requested;
            o_refused_available := v_short.o_available;
            o_outcome := shortage_verdict(p_shop, o_refused_skus, o_refused_available, v_now);
            return;
        end if;
    end if;
    -- Nothing is refused from here on; what was refused above has written nothing, or can't be
    -- committed (checkout_take_again).
    if p_address is not null and p_save_address then
        insert into addresses (shop, address_id, customer, address)
        values (p_shop, p_address_id, v_checkout.customer, p_address);
    end if;
    update checkouts c
    set status = 'ordered', ended_at = null,
        expires_at = v_now + make_interval(secs => v_shop.order_hold_s)
    where c.shop = p_shop and c.checkout_id = p_checkout_id
    returning * into v_checkout;
    update holds h set expires_at = v_checkout.expires_at
    where h.shop = p_shop and h.checkout_id = p_checkout_id and h.take = v_checkout.take
        and h.status = 'active';

    insert into orders (shop, order_id, checkout_id, customer, placed_by, currency, subtotal_minor,
        discount_minor, total_minor,
        coupon_code, coupon_use, address, address_id, request_hash, created_at)
    values (p_shop, p_order_id, p_checkout_id, v_checkout.customer, p_placed_by, v_shop.currency,
        v_subtotal, v_discount,
        v_subtotal - v_discount, p_coupon, case when p_coupon is null then 'none' else 'held' end,
        v_address, p_address_id, p_request_hash, v_now);
    insert into order_lines (shop, order_id, sku, quantity, price_minor, limited)
    select p_shop, p_order_id, h.sku, h.quantity, h.price_minor, h.limited from holds h
    where h.shop = p_shop and h.checkout_id = p_checkout_id and h.take = v_checkout.take;
    insert into payments (shop, reference, order_id, method, amount_minor, currency, created_at)
    values (p_shop, p_reference, p_order_id, p_method, v_subtotal - v_discount, v_shop.currency,
        v_now);

    -- Nothing to wait for: the dispatcher takes the money by other means, or there is none to take.
    if p_method = 'offline' or v_subtotal = v_discount then
        update payments p set status = 'paid', paid_at = v_now
            where p.shop = p_shop and p.reference = p_reference;
        perform order_complete(p_shop, p_order_id);
    end if;
    o_outcome := 'created';
    o_order := order_describe(p_shop, p_order_id);
end;
$$;
