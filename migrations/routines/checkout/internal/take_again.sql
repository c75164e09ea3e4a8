-- Takes the stock of an expired or released checkout once more, all lines or none, at the prices it
-- had. Returns empty arrays when it has it, else every shortage; after a shortage the caller must
-- roll back (a whole transaction or a savepoint): what it wrote until then can't be committed
-- (refused_work). o_limited says that the customer may not have so many, o_available then how many
-- more. The checkout must be locked by the caller, the lines sorted by sku. Locks: the customer's
-- counts, stock levels by sku.
create or replace function holdfast.checkout_take_again(
    p_shop text, p_checkout_id uuid, p_skus text[], p_quantities integer[], p_prices bigint[],
    out o_skus text[], out o_requested integer[], out o_available integer[], out o_limited boolean)
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_take integer;
    v_limit record;
begin
    if coalesce(cardinality(p_skus), 0) = 0 then
        raise exception 'checkout_take_again: checkout %/% has no lines', p_shop, p_checkout_id;
    end if;
    o_skus := '{}';
    o_requested := '{}';
    o_available := '{}';
    o_limited := false;
    update checkouts c set take = c.take + 1 where c.shop = p_shop and c.checkout_id = p_checkout_id
    returning c.take into strict v_take;
    for i in 1 .. cardinality(p_skus) loop
        insert into holds (shop, checkout_id, take, sku, quantity, price_minor, expires_at,
            created_at)
        values (p_shop, p_checkout_id, v_take, p_skus[i], p_quantities[i], p_prices[i], v_now,
            v_now);
    end loop;
    -- A limit is not a shortage, and nothing that others let go would change it.
    if limit_applies(p_shop, p_skus) then
        select * into v_limit from limit_take(p_shop, p_checkout_id, v_take);
        if v_limit.o_outcome <> 'taken' then
            o_limited := true;
            o_skus := coalesce(v_limit.o_refused_skus, '{}');
            o_available := coalesce(v_limit.o_refused_allowed, '{}');
            return;
        end if;
    end if;
    for i in 1 .. cardinality(p_skus) loop
        update stock_levels l set held = l.held + p_quantities[i], version = l.version + 1
        where l.shop = p_shop and l.sku = p_skus[i] and l.on_hand - l.held >= p_quantities[i];
        if not found then
            o_skus := o_skus || p_skus[i];
            o_requested := o_requested || p_quantities[i];
            o_available := o_available || (
                select l.on_hand - l.held from stock_levels l
                    where l.shop = p_shop and l.sku = p_skus[i]);
        end if;
    end loop;
    if o_skus <> '{}' then
        insert into refused_work (shop) values (p_shop);
    end if;
end;
$$;
