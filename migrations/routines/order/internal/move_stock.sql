-- Moves units that an order sells without a hold (p_delta below zero) or gives back (above zero),
-- with their row in the ledger. No other routine does this. A sale never takes held units: if too
-- few are free, o_moved is false, o_free says how many are free, and nothing has changed. A return
-- succeeds unless the level is full (stock_on_hand_is_sane). Locks: the stock level. A caller that
-- moves several skus does so in bytewise order.
create or replace function holdfast.order_move_stock(
    p_shop text, p_sku text, p_delta integer, p_reason text, p_actor text, p_reference text,
    p_note text default null,
    out o_moved boolean, out o_free integer)
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_version bigint;
    v_on_hand integer;
begin
    loop
        update stock_levels l
        set on_hand = l.on_hand + p_delta, sold = l.sold - p_delta, version = l.version + 1
        where l.shop = p_shop and l.sku = p_sku
            and (p_delta > 0 or l.on_hand - l.held >= -p_delta)
        returning l.version, l.on_hand into v_version, v_on_hand;
        o_moved := found;
        exit when o_moved;
        -- read under the lock, so a refusal never says "2 are free" to a caller who asked for 2
        select l.on_hand - l.held into strict o_free from stock_levels l
        where l.shop = p_shop and l.sku = p_sku for no key update;
        if o_free < -p_delta then
            return;
        end if;
    end loop;
    insert into stock_movements (shop, sku, version, delta, on_hand_after, reason, actor, reference,
        note, created_at)
    values (p_shop, p_sku, v_version, p_delta, v_on_hand, p_reason, p_actor, p_reference,
        p_note, clock_timestamp());
end;
$$;
