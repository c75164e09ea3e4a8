-- The promises about the given coupons. Their consumed uses are compared with the counts of their
-- customers, which promises_uses compares with the orders. No locks.
create or replace function holdfast.promises_coupons(
    p_shop text, p_subjects holdfast.promise_subject[])
    returns table (kind text, a text, b text, promise text, violation jsonb)
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return query
    select 'coupon', c.code, '', 'a_coupon_is_never_overused', to_jsonb(c) || jsonb_build_object(
        'orders_holding', held.uses, 'uses_of_customers', consumed.uses)
    from unnest(p_subjects) s
        join coupons c on c.shop = p_shop and c.code = s.a
        cross join lateral (
            select count(*) as uses from orders o
            where o.shop = p_shop and o.coupon_code = c.code and o.coupon_use = 'held') held
        cross join lateral (
            select coalesce((
                select p.uses_counted from promise_coupons p
                where p.shop = p_shop and p.code = c.code), 0)
                + coalesce(sum(u.uses_consumed - u.uses_counted), 0) as uses
            from customer_coupons u
            where u.shop = p_shop and u.code = c.code
                and u.uses_consumed <> u.uses_counted) consumed
    where s.kind = 'coupon'
        and (c.uses_held + c.uses_consumed > c.uses_max or c.uses_held <> held.uses
            or c.uses_consumed <> consumed.uses);
end;
$$;
