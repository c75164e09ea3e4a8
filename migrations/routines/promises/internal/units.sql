-- The promises about the units of a sku that the given customers have. No locks.
create or replace function holdfast.promises_units(
    p_shop text, p_subjects holdfast.promise_subject[])
    returns table (kind text, a text, b text, promise text, violation jsonb)
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return query
    select 'units', u.customer, u.sku, 'a_limit_is_never_exceeded', jsonb_build_object(
        'customer', u.customer, 'sku', u.sku, 'units_held', u.units_held,
        'active_holds', h.units, 'units_consumed', u.units_consumed, 'units_max', u.units_max)
    from unnest(p_subjects) s
        join customer_units u on u.shop = p_shop and u.customer = s.a and u.sku = s.b
        cross join lateral (
            -- a checkout with a limited hold is counted
            select coalesce(sum(h.quantity), 0) as units
            from checkouts c
                join holds h on h.shop = p_shop and h.checkout_id = c.checkout_id
                    and h.generation = c.generation and h.sku = u.sku
            where c.shop = p_shop and c.counted_as = u.customer
                and h.status = 'active' and h.limited) h
    where s.kind = 'units'
        and (u.units_held <> h.units or u.units_held + u.units_consumed > u.units_max);
end;
$$;
