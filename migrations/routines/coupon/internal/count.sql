-- Changes how many uses of a coupon are held and consumed, in total and by this customer. The
-- constraints coupon_never_overused and coupon_never_overused_by_customer refuse a use beyond the
-- limit. p_customer is a customer_key. Locks: the coupon, then the customer's count of it.
create or replace function holdfast.coupon_count(
    p_shop text, p_code text, p_customer text, p_held integer, p_consumed integer) returns void
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_uses_max integer;
begin
    update coupons c
    set uses_held = c.uses_held + p_held, uses_consumed = c.uses_consumed + p_consumed
    where c.shop = p_shop and c.code = p_code
    returning c.uses_per_customer_max into strict v_uses_max;
    insert into customer_coupons (shop, code, customer) values (p_shop, p_code, p_customer)
    on conflict do nothing;
    update customer_coupons u
    set uses_held = u.uses_held + p_held, uses_consumed = u.uses_consumed + p_consumed,
        -- a limit that was lowered below the present uses refuses new uses only
        uses_max = case when p_held + p_consumed > 0 then v_uses_max else u.uses_max end
    where u.shop = p_shop and u.code = p_code and u.customer = p_customer;
end;
$$;
