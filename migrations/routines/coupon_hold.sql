-- Holds one use of a coupon for an order and computes the discount. Outcomes: held, coupon_unknown,
-- coupon_not_yet_valid, coupon_expired, coupon_below_minimum, coupon_used_up. A percentage is
-- rounded down to the minor unit; a fixed amount is at most the subtotal: a total is never
-- negative. Locks: the coupon.
create or replace function holdfast.coupon_hold(
    p_shop text, p_code text, p_subtotal_minor bigint, p_now timestamptz, out o_outcome text,
    out o_discount bigint)
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_coupon coupons%rowtype;
begin
    o_discount := 0;
    select * into v_coupon from coupons c where c.shop = p_shop and c.code = p_code
        for no key update;
    o_outcome := case
        when not found then 'coupon_unknown'
        when p_now < v_coupon.valid_from then 'coupon_not_yet_valid'
        when p_now >= v_coupon.valid_until then 'coupon_expired'
        when p_subtotal_minor < v_coupon.minimum_minor then 'coupon_below_minimum'
        when v_coupon.uses_held + v_coupon.uses_consumed >= v_coupon.uses_max then 'coupon_used_up'
        else 'held'
    end;
    if o_outcome = 'held' then
        update coupons c set uses_held = c.uses_held + 1 where c.shop = p_shop and c.code = p_code;
        o_discount := case v_coupon.kind
            -- numeric: the product of a large cart and 10,000 basis points would overflow a bigint
            when 'percent' then floor(p_subtotal_minor::numeric * v_coupon.value / 10000)::bigint
            else least(v_coupon.value, p_subtotal_minor)
        end;
    end if;
end;
$$;
