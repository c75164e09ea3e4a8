-- The promises about the given checkouts and their holds. No locks.
create or replace function holdfast.promises_checkouts(
    p_shop text, p_subjects holdfast.promise_subject[])
    returns table (kind text, a text, b text, promise text, violation jsonb)
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return query
    with subject as materialized (
        select s.a::uuid as checkout_id from unnest(p_subjects) s where s.kind = 'checkout'),
    hold as materialized (
        select h as is, h.status = 'active' as active, c as of
        from subject s
            join holds h on h.shop = p_shop and h.checkout_id = s.checkout_id
            left join checkouts c on c.shop = p_shop and c.checkout_id = s.checkout_id),
    -- each rule reads its rows by an index: a join of two parts of this query has none
    open as materialized (
        select c as is, c.checkout_id, c.generation, c.status
        from subject s
            join checkouts c on c.shop = p_shop and c.checkout_id = s.checkout_id
        where c.status in ('open', 'ordered'))
    select 'checkout', (h.is).checkout_id::text, '', 'a_hold_resolves_once',
        to_jsonb(h.is) || jsonb_build_object('checkout_status', (h.of).status)
    from hold h
    where (h.of).checkout_id is null
        or h.active
            <> ((h.of).status in ('open', 'ordered') and (h.is).generation = (h.of).generation)
        or (h.active and (h.is).expires_at <> (h.of).expires_at)
        or ((h.is).status = 'consumed' and (h.of).status <> 'paid')
    union all
    -- promises_skus adds up the holds of a stock level
    select 'checkout', (h.is).checkout_id::text, '', 'held_equals_active_holds',
        jsonb_build_object('sku', (h.is).sku, 'held', null, 'active_holds', (h.is).quantity)
    from hold h
    where h.active
        and not exists (select from stock_levels l where l.shop = p_shop and l.sku = (h.is).sku)
    union all
    select 'checkout', c.checkout_id::text, '', 'a_cart_is_all_or_nothing', to_jsonb(c.is)
    from open c
    where not exists (
        select from holds h
        where h.shop = p_shop and h.checkout_id = c.checkout_id and h.generation = c.generation
            and h.status = 'active')
    union all
    select 'checkout', c.checkout_id::text, '', 'a_cart_is_all_or_nothing', jsonb_build_object(
        'checkout_id', c.checkout_id, 'sku', part.sku, 'ordered', part.ordered, 'held', part.held)
    from open c
        cross join lateral (
            select both_sides.sku, sum(both_sides.ordered) as ordered, sum(both_sides.held) as held
            from (
                select l.sku, l.quantity, 0
                from orders o join order_lines l on l.shop = p_shop and l.order_id = o.order_id
                where o.shop = p_shop and o.checkout_id = c.checkout_id
                union all
                select h.sku, 0, h.quantity from holds h
                where h.shop = p_shop and h.checkout_id = c.checkout_id
                    and h.generation = c.generation and h.status = 'active'
                ) both_sides (sku, ordered, held)
            group by 1) part
    where c.status = 'ordered' and part.ordered <> part.held
    union all
    -- promises_units and promises_customers compare the counts that there are
    select 'checkout', (h.is).checkout_id::text, '', 'a_limit_is_never_exceeded',
        jsonb_build_object('customer', (h.of).counted_as, 'sku', (h.is).sku, 'units_held', null,
            'active_holds', (h.is).quantity)
    from hold h
    where h.active and (h.is).limited
        -- also if its checkout is not counted
        and not exists (
            select from customer_units u
            where u.shop = p_shop and u.customer = (h.of).counted_as and u.sku = (h.is).sku)
    union all
    select 'checkout', c.checkout_id::text, '', 'a_limit_is_never_exceeded', jsonb_build_object(
        'customer', c.counted_as, 'open', null, 'checkouts', 1)
    from subject s
        join checkouts c on c.shop = p_shop and c.checkout_id = s.checkout_id
    where c.counted_as is not null
        and not exists (
            select from customer_checkouts o
            where o.shop = p_shop and o.customer = c.counted_as);
end;
$$;
