-- Counts one generation of a checkout against the limits of its customer: the checkout itself, and
-- the units of each sku that has a limit. p_kept: the generation that it replaces, if the checkout
-- has held that one until now. Then neither the checkout nor a line with no more units than before
-- is refused, even if the limit has been lowered since. Outcomes: acquired; too_many_checkouts;
-- limit_reached (each sku beyond its limit, and how many more units the customer may have); and, if
-- p_reclaim, `reclaim` (refused, but checkouts of this customer are due). After a refusal the
-- caller must roll back (must_roll_back). The caller has locked the checkout and written its holds.
-- A checkout with an order counts under the order's key, so that everything of one order stays
-- under one key. Locks: the customer's counts.
create or replace function holdfast.limit_acquire(
    p_shop text, p_checkout_id uuid, p_generation integer, p_reclaim boolean,
    p_kept integer default null)
    returns holdfast.hold_answer
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_answer hold_answer;
    v_customer text;
    v_name text;
    v_counted_as text;
    v_open_max integer;
    -- 0: no generation. With null, Citus can't tell the shard of this join.
    v_kept integer := coalesce(p_kept, 0);
    v_line record;
begin
    select c.counted_as, coalesce(c.counted_as, o.customer_key), c.customer
    into strict v_counted_as, v_customer, v_name
    from checkouts c left join orders o on o.shop = p_shop and o.checkout_id = p_checkout_id
    where c.shop = p_shop and c.checkout_id = p_checkout_id;
    v_customer := coalesce(v_customer, customer_key(p_shop, v_name));
    select s.checkouts_per_customer_max into v_open_max from shops s where s.shop = p_shop;
    insert into customer_checkouts (shop, customer) values (p_shop, v_customer)
    on conflict do nothing;
    perform from customer_checkouts o where o.shop = p_shop and o.customer = v_customer
        for no key update;  -- guard(customer_never_over_limit)
    v_answer.o_outcome := 'acquired';
    if v_counted_as is null then  -- guard(a_checkout_is_counted)
        update customer_checkouts o
        set open = o.open + 1,
            open_max = case when p_kept is null or v_open_max is null then v_open_max
                else greatest(v_open_max, o.open + 1) end
        where o.shop = p_shop and o.customer = v_customer
            and (v_open_max is null or o.open < v_open_max or p_kept is not null);
        if found then
            update checkouts c set counted_as = v_customer
            where c.shop = p_shop and c.checkout_id = p_checkout_id;
        else
            v_answer.o_outcome := 'too_many_checkouts';
        end if;
    end if;
    for v_line in
        select h.sku, h.quantity, k.limit_per_customer as units_max,
            coalesce(u.units_held + u.units_consumed, 0) as units,
            coalesce(kept.quantity, 0) as kept
        from holds h
            join skus k on k.shop = p_shop and k.sku = h.sku
            left join customer_units u
                on u.shop = p_shop and u.customer = v_customer and u.sku = h.sku
            left join holds kept
                on kept.shop = p_shop and kept.checkout_id = p_checkout_id
                and kept.generation = v_kept and kept.sku = h.sku
        where h.shop = p_shop and h.checkout_id = p_checkout_id and h.generation = p_generation
            and k.limit_per_customer is not null
        order by h.sku
    loop
        if v_line.units + v_line.quantity > v_line.units_max and v_line.quantity > v_line.kept
        then
            v_answer.o_outcome := case v_answer.o_outcome
                when 'acquired' then 'limit_reached' else v_answer.o_outcome end;
            v_answer.o_refused_skus := v_answer.o_refused_skus || v_line.sku;
            v_answer.o_refused_available := v_answer.o_refused_available
                || greatest(v_line.units_max - v_line.units, 0);
            continue;
        end if;
        -- race(customer_never_over_limit): read, nothing written
        insert into customer_units as u (shop, customer, sku, units_held, units_max)
        values (p_shop, v_customer, v_line.sku, v_line.quantity,
            greatest(v_line.units_max, v_line.units + v_line.quantity))
        on conflict (shop, customer, sku) do update
        set units_held = u.units_held + excluded.units_held, units_max = excluded.units_max;
        update holds h set limited = true
        where h.shop = p_shop and h.checkout_id = p_checkout_id and h.generation = p_generation
            and h.sku = v_line.sku;
    end loop;
    if v_answer.o_outcome <> 'acquired' then
        if p_reclaim and exists (
            select from checkouts c
            where c.shop = p_shop and c.counted_as = v_customer
                and c.expires_at <= clock_timestamp()
                and c.checkout_id <> p_checkout_id)
        then
            v_answer.o_outcome := 'reclaim';
            v_answer.o_reclaim := row(null, null, v_customer)::reclaim;
        end if;
        insert into must_roll_back (shop) values (p_shop);
    end if;
    return v_answer;
end;
$$;
