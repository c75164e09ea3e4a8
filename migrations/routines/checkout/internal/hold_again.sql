-- Holds the stock of an expired or released checkout again, all lines or none, at their old prices.
-- Outcomes: held; shortage (every short line); the refusals of limit_acquire, but never `reclaim`:
-- other customers' holds do not count against this customer's limit. After a refusal the caller
-- must roll back the transaction or a savepoint (must_roll_back). The caller has locked the
-- checkout, and the lines are sorted by sku. Locks: the customer's counts, stock levels by sku.
create or replace function holdfast.checkout_hold_again(
    p_shop text, p_checkout_id uuid, p_skus text[], p_quantities integer[], p_prices bigint[])
    returns holdfast.hold_answer
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_answer hold_answer;
    v_now timestamptz := clock_timestamp();
    v_generation integer;
begin
    if coalesce(cardinality(p_skus), 0) = 0 then
        raise exception 'checkout_hold_again: checkout %/% has no lines', p_shop, p_checkout_id;
    end if;
    update checkouts c set generation = c.generation + 1
    where c.shop = p_shop and c.checkout_id = p_checkout_id
    returning c.generation into strict v_generation;
    for i in 1 .. cardinality(p_skus) loop
        insert into holds (
            shop, checkout_id, generation, sku, quantity, price_minor, expires_at, created_at)
        values (
            p_shop, p_checkout_id, v_generation, p_skus[i], p_quantities[i], p_prices[i], v_now,
            v_now);
    end loop;
    if limit_applies(p_shop, p_skus) then
        v_answer := limit_acquire(p_shop, p_checkout_id, v_generation, false);
        if v_answer.o_outcome <> 'acquired' then
            return v_answer;
        end if;
    end if;
    v_answer.o_outcome := 'held';
    for i in 1 .. cardinality(p_skus) loop
        update stock_levels l set held = l.held + p_quantities[i], version = l.version + 1
        where l.shop = p_shop and l.sku = p_skus[i] and l.on_hand - l.held >= p_quantities[i];
        if not found then
            v_answer.o_outcome := 'shortage';
            v_answer.o_refused_skus := v_answer.o_refused_skus || p_skus[i];
            v_answer.o_refused_requested := v_answer.o_refused_requested || p_quantities[i];
            v_answer.o_refused_available := v_answer.o_refused_available || (
                select l.on_hand - l.held from stock_levels l
                where l.shop = p_shop and l.sku = p_skus[i]);
        end if;
    end loop;
    if v_answer.o_outcome = 'shortage' then
        insert into must_roll_back (shop) values (p_shop);
    end if;
    return v_answer;
end;
$$;
