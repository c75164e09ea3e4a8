-- Counts a take of a checkout against what its customer may have: the checkout itself, and units of
-- every sku with a limit. Outcomes: taken; too_many_checkouts; limit_reached, with every sku of
-- which the customer may not have so many, and how many more they may; reclaim_customer (refused,
-- but checkouts of this customer are due: roll back, checkout_reclaim, decide anew). After anything
-- but `taken` the caller must roll back: what was written can't be committed (refused_work). The
-- checkout must be locked by the caller and its holds written. Locks: the customer's counts.
create or replace function holdfast.limit_take(
    p_shop text, p_checkout_id uuid, p_take integer,
    out o_outcome text, out o_refused_skus text[], out o_refused_allowed integer[])
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_customer text;
    v_counted boolean;
    v_open_max integer;
    v_line record;
begin
    select c.customer, c.counted into strict v_customer, v_counted from checkouts c
    where c.shop = p_shop and c.checkout_id = p_checkout_id;
    select s.checkouts_per_customer_max into v_open_max from shops s where s.shop = p_shop;
    insert into customer_checkouts (shop, customer) values (p_shop, v_customer)
    on conflict do nothing;
    perform from customer_checkouts o where o.shop = p_shop and o.customer = v_customer
        for no key update;  -- guard(customer_never_over_limit)
    o_outcome := 'taken';
    if not v_counted then  -- guard(a_checkout_is_counted)
        update customer_checkouts o set open = o.open + 1, open_max = v_open_max
        where o.shop = p_shop and o.customer = v_customer
            and (v_open_max is null or o.open < v_open_max);
        if found then
            update checkouts c set counted = true
            where c.shop = p_shop and c.checkout_id = p_checkout_id;
        else
            o_outcome := 'too_many_checkouts';
        end if;
    end if;
    for v_line in
        select h.sku, h.quantity, k.limit_per_customer as units_max,
            coalesce(u.units_held + u.units_consumed, 0) as units
        from holds h
            join skus k on k.shop = h.shop and k.sku = h.sku
            left join customer_units u
                on u.shop = h.shop and u.customer = v_customer and u.sku = h.sku
        where h.shop = p_shop and h.checkout_id = p_checkout_id and h.take = p_take
            and k.limit_per_customer is not null
        order by h.sku
    loop
        if v_line.units + v_line.quantity > v_line.units_max then
            o_outcome := case o_outcome when 'taken' then 'limit_reached' else o_outcome end;
            o_refused_skus := o_refused_skus || v_line.sku;
            o_refused_allowed := o_refused_allowed
                || greatest(v_line.units_max - v_line.units, 0);
            continue;
        end if;
        -- race(customer_never_over_limit): read, nothing written
        insert into customer_units as u (shop, customer, sku, units_held, units_max)
        values (p_shop, v_customer, v_line.sku, v_line.quantity, v_line.units_max)
        on conflict (shop, customer, sku) do update
        set units_held = u.units_held + excluded.units_held, units_max = excluded.units_max;
        update holds h set limited = true
        where h.shop = p_shop and h.checkout_id = p_checkout_id and h.take = p_take
            and h.sku = v_line.sku;
    end loop;
    if o_outcome <> 'taken' then
        if exists (
            select from checkouts c
            where c.shop = p_shop and c.customer = v_customer and c.counted
                and c.expires_at <= clock_timestamp()
                and c.checkout_id <> p_checkout_id)
        then
            o_outcome := 'reclaim_customer';
        end if;
        insert into refused_work (shop) values (p_shop);
    end if;
end;
$$;
