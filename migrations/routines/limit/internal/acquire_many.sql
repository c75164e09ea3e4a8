-- The same as limit_acquire, for new checkouts of many customers (by customer_key), one of each.
-- p_line_customers and the arrays after it are their limited lines. False: another call was faster
-- and has reached a limit. Then the caller must roll back. The caller has locked the checkouts.
-- Locks: the customers' counts, by customer.
create or replace function holdfast.limit_acquire_many(
    p_shop text, p_open_max integer, p_customers text[], p_line_customers text[], p_skus text[],
    p_quantities integer[], p_units_max integer[]) returns boolean
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_written integer;
begin
    -- counts what is returned: of an INSERT with a query, Citus answers how many rows it read
    with inserted as (
        insert into customer_checkouts as o (shop, customer, open, open_max)
        select p_shop, c.customer, 1, p_open_max from unnest(p_customers) c (customer)
        order by c.customer collate "C"
        on conflict (shop, customer) do update set open = o.open + 1, open_max = excluded.open_max
        where (o.open < excluded.open_max) is not false  -- guard(customer_never_over_checkouts)
        returning 1)
    select count(*) into v_written from inserted;
    if v_written <> cardinality(p_customers) then
        return false;
    end if;
    with inserted as (
        insert into customer_units as u (shop, customer, sku, units_held, units_max)
        select p_shop, w.customer, w.sku, w.quantity, w.units_max
        from unnest(p_line_customers, p_skus, p_quantities, p_units_max) w (
            customer, sku, quantity, units_max)
        order by w.customer collate "C", w.sku collate "C"
        on conflict (shop, customer, sku) do update
        set units_held = u.units_held + excluded.units_held, units_max = excluded.units_max
        where u.units_held + u.units_consumed  -- guard(customer_never_over_limit)
            + excluded.units_held <= excluded.units_max  -- guard(customer_never_over_limit)
        returning 1)
    select count(*) into v_written from inserted;
    return v_written = coalesce(cardinality(p_skus), 0);
end;
$$;
