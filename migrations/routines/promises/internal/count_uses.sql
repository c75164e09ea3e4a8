-- Counts the consumed uses of coupons that are not counted yet, for at most p_limit customers, so
-- that promises_coupons has few to add up. Locks: customers' counts of coupons (SKIP LOCKED), then
-- the sums, by code.
create or replace function holdfast.promises_count_uses(p_shop text, p_limit integer) returns void
language plpgsql set search_path = holdfast, pg_temp as $$
begin
    with uncounted as materialized (
        select u.code, u.customer, u.uses_consumed, u.uses_counted from customer_coupons u
        where u.shop = p_shop and u.uses_consumed <> u.uses_counted
        order by u.code, u.customer limit p_limit for no key update skip locked),
    counted as (
        update customer_coupons u set uses_counted = n.uses_consumed
        from uncounted n
        where u.shop = p_shop and u.code = n.code and u.customer = n.customer)
    insert into promise_coupons as p (shop, code, uses_counted)
    select p_shop, n.code, sum(n.uses_consumed - n.uses_counted) from uncounted n
    group by n.code order by n.code
    on conflict (shop, code) do update set uses_counted = p.uses_counted + excluded.uses_counted;
end;
$$;
