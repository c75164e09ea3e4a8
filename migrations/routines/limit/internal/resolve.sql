-- Takes the units of these checkouts out of their customers' held counts: consumed (p_consume) or
-- given back. Call it before the holds are resolved. The caller has locked the checkouts. Locks:
-- the customers' counts, by customer.
create or replace function holdfast.limit_resolve(
    p_shop text, p_checkout_ids uuid[], p_consume boolean) returns void
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_counted record;
    v_units record;
begin
    for v_counted in
        select c.counted_as as customer, count(*)::integer as checkouts,
            array_agg(c.checkout_id) as ids
        from checkouts c
        where c.shop = p_shop and c.checkout_id = any (p_checkout_ids)
            and c.counted_as is not null
        group by 1 order by 1
    loop
        update customer_checkouts o set open = o.open - v_counted.checkouts
        where o.shop = p_shop and o.customer = v_counted.customer;
        for v_units in
            select h.sku, sum(h.quantity)::integer as units from holds h
            where h.shop = p_shop and h.checkout_id = any (v_counted.ids) and h.limited
                -- coalesce: by the primary key (checkout_end)
                and coalesce(h.resolved_at, 'infinity') = 'infinity'
            group by 1 order by 1
        loop
            update customer_units u
            set units_held = u.units_held - v_units.units,
                units_consumed = u.units_consumed
                    + case when p_consume then v_units.units else 0 end
            where u.shop = p_shop and u.customer = v_counted.customer and u.sku = v_units.sku;
        end loop;
    end loop;
    update checkouts c set counted_as = null
    where c.shop = p_shop and c.checkout_id = any (p_checkout_ids) and c.counted_as is not null;
end;
$$;
