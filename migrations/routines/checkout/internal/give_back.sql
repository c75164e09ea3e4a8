-- Ends checkouts that the caller has locked. Gives their stock back, and everything that
-- checkout_end gives back. p_as: `released` (by the shopper) or `expired` (by time). Returns how
-- many checkouts it ended. Locks: as checkout_end, then stock levels by sku.
create or replace function holdfast.checkout_give_back(
    p_shop text, p_checkout_ids uuid[], p_as text) returns integer
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_ended record;
begin
    if p_checkout_ids = '{}' then
        return 0;
    end if;
    v_ended := checkout_end(p_shop, p_checkout_ids, p_as);
    for i in 1 .. cardinality(v_ended.o_skus) loop
        update stock_levels l set held = l.held - v_ended.o_units[i], version = l.version + 1
        where l.shop = p_shop and l.sku = v_ended.o_skus[i];
    end loop;
    return v_ended.o_ended;
end;
$$;
