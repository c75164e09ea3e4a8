-- Holds one use of a coupon for a checkout's order, which counts under p_customer_key, and computes
-- the discount. Outcomes: held, coupon_unknown, coupon_not_yet_valid, coupon_expired,
-- coupon_not_for_cart (it is for other skus), coupon_below_minimum, coupon_used_up,
-- coupon_used_up_by_customer. A coupon for some skus counts only their lines, for its minimum, too.
-- A percentage is rounded down to the currency's step (a minor unit, or ten fils), once, over all
-- of those lines. A fixed amount is at most the price of those lines, so a total is never negative.
-- Locks: the coupon, then the customer's count of it.
create or replace function holdfast.coupon_hold(
    p_shop text, p_code text, p_checkout holdfast.checkouts, p_customer_key text,
    p_now timestamptz, out o_outcome text, out o_discount bigint)
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_coupon coupons%rowtype;
    v_eligible bigint;
    v_own integer;
    v_step bigint;
begin
    o_discount := 0;
    select * into v_coupon from coupons c where c.shop = p_shop and c.code = p_code
        for no key update;  -- guard(coupon_never_overused)
    if not found then
        o_outcome := 'coupon_unknown';
        return;
    end if;
    select sum(h.quantity * h.price_minor) into v_eligible from holds h
    where h.shop = p_shop and h.checkout_id = p_checkout.checkout_id
        and h.generation = p_checkout.generation
        and (v_coupon.skus is null or h.sku = any (v_coupon.skus));
    -- the coupon's lock stops other calls from counting a use
    select u.uses_held + u.uses_consumed into v_own from customer_coupons u
    where u.shop = p_shop and u.code = p_code and u.customer = p_customer_key;
    o_outcome := case
        when p_now < v_coupon.valid_from then 'coupon_not_yet_valid'
        when p_now >= v_coupon.valid_until then 'coupon_expired'
        when v_eligible is null then 'coupon_not_for_cart'
        when v_eligible < v_coupon.minimum_minor then 'coupon_below_minimum'
        when v_coupon.uses_held + v_coupon.uses_consumed >= v_coupon.uses_max then 'coupon_used_up'
        when coalesce(v_own, 0) >= v_coupon.uses_per_customer_max
            then 'coupon_used_up_by_customer'
        else 'held'
    end;
    -- race(coupon_never_overused): read, nothing written
    if o_outcome = 'held' then
        perform coupon_count(p_shop, p_code, p_customer_key, 1, 0);
        select currency_step(s.currency) into v_step from shops s where s.shop = p_shop;
        o_discount := case v_coupon.kind
            -- everything is free
            when 'percent' then case v_coupon.value when 10000 then v_eligible
                -- numeric: the product of a large cart and 10,000 basis points would overflow a
                -- bigint
                else div(v_eligible::numeric * v_coupon.value, 10000 * v_step)::bigint * v_step
                end
            else least(v_coupon.value, v_eligible)
        end;
    end if;
end;
$$;
