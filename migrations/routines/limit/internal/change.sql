-- Counts units that an order sells without a hold (p_units above zero) or gives back (below zero)
-- against the customer's limit for this sku. o_allowed null: done. Otherwise nothing is counted,
-- and o_allowed says how many more units the customer may have. p_customer is the order's
-- customer_key. A sku without a limit is not counted. p_kept: the order had as many units before,
-- so a limit that was lowered since does not refuse them: the limit of that time counts
-- (units_max), and p_kept units are never too many by themselves. Locks: the customer's counts. A
-- caller that changes several skus does so in bytewise order.
create or replace function holdfast.limit_change(
    p_shop text, p_customer text, p_sku text, p_units integer, p_kept integer default null,
    out o_allowed integer)
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_units_max integer;
    v_units integer;
begin
    insert into customer_checkouts (shop, customer) values (p_shop, p_customer)
    on conflict do nothing;
    perform from customer_checkouts o where o.shop = p_shop and o.customer = p_customer
        for no key update;
    if p_units < 0 then
        -- not below 0: a late payment may have held the units again after the limit was removed
        update customer_units u set units_consumed = greatest(u.units_consumed + p_units, 0)
        where u.shop = p_shop and u.customer = p_customer and u.sku = p_sku;
        return;
    end if;
    select case when k.limit_per_customer is null or p_kept is null then k.limit_per_customer
            else greatest(k.limit_per_customer, u.units_max, p_kept) end,
        coalesce(u.units_held + u.units_consumed, 0)
    into v_units_max, v_units
    from skus k
        left join customer_units u
            on u.shop = p_shop and u.customer = p_customer and u.sku = k.sku
    where k.shop = p_shop and k.sku = p_sku;
    if v_units + p_units > v_units_max then
        o_allowed := greatest(v_units_max - v_units, 0);
    elsif v_units_max is not null then
        insert into customer_units as u (shop, customer, sku, units_consumed, units_max)
        values (p_shop, p_customer, p_sku, p_units, v_units_max)
        on conflict (shop, customer, sku) do update
        set units_consumed = u.units_consumed + excluded.units_consumed,
            units_max = excluded.units_max;
    end if;
end;
$$;
