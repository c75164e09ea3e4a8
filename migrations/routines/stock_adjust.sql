-- Changes on_hand by a difference, with its row in the ledger. Outcomes: adjusted; stale (the stock
-- level has another version than p_expected_version, null where any will do); below_held (active
-- holds claim more than would be left); unknown_sku. The numbers are those after it, or the current
-- ones of a refusal. Locks: the stock level.
create or replace function holdfast.stock_adjust(
    p_shop text, p_sku text, p_delta integer, p_expected_version bigint,
    p_reason text, p_actor text, p_reference text,
    out o_outcome text, out o_on_hand integer, out o_held integer, out o_version bigint)
language plpgsql set search_path = holdfast, pg_temp as $$
begin
    select l.on_hand, l.held, l.version into o_on_hand, o_held, o_version from stock_levels l
    where l.shop = p_shop and l.sku = p_sku for no key update;
    o_outcome := case
        when not found then 'unknown_sku'
        when o_version <> p_expected_version then 'stale'
        when o_on_hand + p_delta < o_held then 'below_held'
        else 'adjusted'
    end;
    if o_outcome <> 'adjusted' then
        return;
    end if;
    update stock_levels l set on_hand = l.on_hand + p_delta, version = l.version + 1
    where l.shop = p_shop and l.sku = p_sku
    returning l.on_hand, l.held, l.version into o_on_hand, o_held, o_version;
    insert into stock_movements (shop, sku, version, delta, on_hand_after, reason, actor, reference)
    values (p_shop, p_sku, o_version, p_delta, o_on_hand, p_reason, p_actor, p_reference);
end;
$$;
