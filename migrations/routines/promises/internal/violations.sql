-- Checks every promise about these subjects, in one snapshot. Returns one row per violation, with
-- its subject and the rows that show it. No locks.
create or replace function holdfast.promises_violations(
    p_shop text, p_subjects holdfast.promise_subject[])
    returns table (kind text, a text, b text, promise text, violation jsonb)
language sql stable set search_path = holdfast, pg_temp
as $$
    select * from promises_skus(p_shop, p_subjects)
    union all
    select * from promises_movements(p_shop, p_subjects)
    union all
    select * from promises_checkouts(p_shop, p_subjects)
    union all
    select * from promises_orders(p_shop, p_subjects)
    union all
    select * from promises_events(p_shop, p_subjects)
    union all
    select * from promises_units(p_shop, p_subjects)
    union all
    select * from promises_customers(p_shop, p_subjects)
    union all
    select * from promises_coupons(p_shop, p_subjects)
    union all
    select * from promises_uses(p_shop, p_subjects)
$$;
