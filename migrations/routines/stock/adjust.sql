-- Changes on_hand by a difference, with its row in the ledger: what a count found, or what came
-- back. Outcomes, numbers and locks: stock_move.
create or replace function holdfast.stock_adjust(
    p_shop text, p_sku text, p_delta integer, p_expected_version bigint,
    p_reason text, p_actor text, p_reference text, p_note text default null,
    p_movement_id uuid default null,
    out o_outcome text, out o_on_hand integer, out o_held integer, out o_version bigint,
    out o_movement jsonb)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    select m.* into o_outcome, o_on_hand, o_held, o_version, o_movement
    from stock_move(p_shop, p_sku, p_delta, null, p_expected_version, p_reason, p_actor,
        p_reference, p_note, p_movement_id) m;
end;
$$;
