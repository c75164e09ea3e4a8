-- Sets on_hand to a counted number, with the difference in the ledger. Outcomes, numbers and locks:
-- stock_move.
create or replace function holdfast.stock_set(
    p_shop text, p_sku text, p_on_hand integer, p_expected_version bigint,
    p_actor text, p_reference text, p_note text, p_movement_id uuid)
    returns holdfast.stock_answer
language sql security definer set search_path = holdfast, pg_temp as $$
    select stock_move(p_shop, p_sku, null, p_on_hand, p_expected_version, 'adjusted',
        p_actor, p_reference, p_note, p_movement_id)
$$;
