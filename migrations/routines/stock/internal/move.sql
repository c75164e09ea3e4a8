-- Changes on_hand by p_delta or, if that is null, to p_on_hand, with its row in the ledger.
-- Outcomes, in order of precedence:
-- - unknown_sku;
-- - same (a repeated change with this p_movement_id: no second effect);
-- - movement_conflict (that id belongs to another change);
-- - stale (the stock level has another version than p_expected_version; null: any version will do);
-- - below_held (fewer units would be left than active holds have);
-- - too_many (staff raise on_hand to 1,000,000,000 at most, so that returns of orders still fit);
-- - unchanged (on_hand was p_on_hand already);
-- - adjusted.
-- The numbers are those after the call. o_movement: the movement of this change; after `stale`, the
-- latest movement of the sku. Locks: the stock level.
create or replace function holdfast.stock_move(
    p_shop text, p_sku text, p_delta integer, p_on_hand integer, p_expected_version bigint,
    p_reason text, p_actor text, p_reference text, p_note text, p_movement_id uuid)
    returns holdfast.stock_answer
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_answer stock_answer;
    v_known stock_movements%rowtype;
    -- bigint: a wrong sum must meet its constraint, not an overflow
    v_on_hand bigint;
begin
    select l.on_hand, l.held, l.version
    into v_answer.o_on_hand, v_answer.o_held, v_answer.o_version
    from stock_levels l
    where l.shop = p_shop and l.sku = p_sku
        for no key update;  -- guard(stock_never_oversold)
    if not found then
        v_answer.o_outcome := 'unknown_sku';
        return v_answer;
    end if;
    select * into v_known from stock_movements m
    where m.shop = p_shop and m.movement_id = p_movement_id;
    if found then
        v_answer.o_movement := movement_describe(v_known);
        -- a retry may carry a newer version, so the version is not compared
        v_answer.o_outcome := case when v_known.sku = p_sku and v_known.reason = p_reason
                and v_known.actor = p_actor
                and coalesce(v_known.delta = p_delta, v_known.on_hand_after = p_on_hand)
                and v_known.reference is not distinct from p_reference
                and v_known.note is not distinct from p_note
            then 'same' else 'movement_conflict' end;
        return v_answer;
    end if;
    v_on_hand := coalesce(v_answer.o_on_hand::bigint + p_delta, p_on_hand);
    v_answer.o_outcome := case
        when v_answer.o_version <> p_expected_version then 'stale'
        when v_on_hand < v_answer.o_held then 'below_held'
        when v_on_hand > greatest(1000000000, v_answer.o_on_hand) then 'too_many'
        when v_on_hand = v_answer.o_on_hand and p_delta is null then 'unchanged'
        else 'adjusted'
    end;
    if v_answer.o_outcome = 'stale' then
        select * into v_known from stock_movements m
        where m.shop = p_shop and m.sku = p_sku order by m.version desc limit 1;
        if found then
            v_answer.o_movement := movement_describe(v_known);
        end if;
    end if;
    if v_answer.o_outcome <> 'adjusted' then
        return v_answer;
    end if;
    -- race(stock_never_oversold): read, nothing written
    insert into stock_movements (shop, sku, version, delta, on_hand_after, reason, actor, reference,
        note, movement_id)
    values (p_shop, p_sku, v_answer.o_version + 1, v_on_hand - v_answer.o_on_hand, v_on_hand,
        p_reason, p_actor, p_reference, p_note, p_movement_id)
    returning * into v_known;
    v_answer.o_movement := movement_describe(v_known);
    update stock_levels l set on_hand = v_on_hand, version = l.version + 1
    where l.shop = p_shop and l.sku = p_sku
    returning l.on_hand, l.version into v_answer.o_on_hand, v_answer.o_version;
    return v_answer;
end;
$$;
