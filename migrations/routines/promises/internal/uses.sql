-- The promises about the uses of a coupon by the given customers. No locks.
create or replace function holdfast.promises_uses(
    p_shop text, p_subjects holdfast.promise_subject[])
    returns table (kind text, a text, b text, promise text, violation jsonb)
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return query
    select 'use', u.code, u.customer, 'a_coupon_is_never_overused', jsonb_build_object(
        'coupon', u.code, 'customer', u.customer, 'uses_held', u.uses_held,
        'uses_consumed', u.uses_consumed, 'uses_max', u.uses_max, 'orders_holding', o.held,
        'orders_consumed', o.consumed)
    from unnest(p_subjects) s
        join customer_coupons u on u.shop = p_shop and u.code = s.a and u.customer = s.b
        cross join lateral (
            select count(*) filter (where o.coupon_use = 'held') as held,
                count(*) filter (where o.coupon_use = 'consumed') as consumed
            from orders o
            where o.shop = p_shop and o.coupon_code = u.code
                and o.customer_key = u.customer) o
    where s.kind = 'use'
        and (u.uses_held <> o.held or u.uses_consumed <> o.consumed
            or u.uses_held + u.uses_consumed > u.uses_max);
end;
$$;
