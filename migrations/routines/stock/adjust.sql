-- Changes on_hand by a difference, with its row in the ledger: the result of a count, or returned
-- goods. Outcomes, numbers and locks: stock_move.
create or replace function holdfast.stock_adjust(
    p_shop text, p_sku text, p_delta integer, p_expected_version bigint,
    p_reason text, p_actor text, p_reference text, p_note text default null,
    p_movement_id uuid default null)
    returns holdfast.stock_answer
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    return stock_move(p_shop, p_sku, p_delta, null, p_expected_version, p_reason, p_actor,
        p_reference, p_note, p_movement_id);
end;
$$;
