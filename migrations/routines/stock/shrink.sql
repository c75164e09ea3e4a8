-- Takes missing units of a sku out of on_hand, with a row in the ledger (reason `missing`). Due
-- holds expire first. If the other holds have more units than are left, the newest are broken until
-- the rest fits: whole checkouts, each announced as `checkout.broken` (checkout_break).
-- stock_shrink_attempt decides.
--
-- Outcomes, in order of precedence:
-- - unknown_sku;
-- - same (a repeated shrinkage with this p_movement_id: no second effect);
-- - movement_conflict (that id belongs to another change);
-- - stale (the stock level has another version than p_expected_version; null: any version will do;
--   holds that this call expires don't count);
-- - more_than_on_hand;
-- - too_many_holds (more than 10,000 would be broken: shrink in steps);
-- - would_shrink (p_dry_run: nothing changes, and the id is not used);
-- - shrunk.
-- The numbers are those after the call. A dry run answers the expected on_hand and held, with the
-- current version. o_movement: as in stock_move. o_broken: the holds that were, or would be,
-- broken, newest first.
create or replace procedure holdfast.stock_shrink(
    p_shop text, p_sku text, p_missing integer, p_expected_version bigint, p_actor text,
    p_reference text, p_note text, p_movement_id uuid, p_dry_run boolean,
    inout o_outcome text default null, inout o_on_hand integer default null,
    inout o_held integer default null, inout o_version bigint default null,
    inout o_movement jsonb default null, inout o_broken jsonb default null)
language plpgsql as $$
declare
    v_answer holdfast.shrink_answer;
    v_expected_version bigint := p_expected_version;
    v_attempts integer := 0;
    -- consecutive reclaims that freed nothing, as in checkout_begin
    v_in_vain integer := 0;
    v_reclaimed integer;
begin
    loop
        v_answer := holdfast.stock_shrink_attempt(
            p_shop, p_sku, p_missing, v_expected_version, p_actor, p_reference, p_note,
            p_movement_id, p_dry_run, v_in_vain < 3);
        exit when v_answer.o_outcome not in ('again', 'reclaim');
        rollback;
        v_attempts := holdfast.attempt_count('stock_shrink', v_attempts);
        if v_answer.o_outcome = 'reclaim' then
            select r.o_reclaimed, r.o_expected_version into v_reclaimed, v_expected_version
            from holdfast.stock_shrink_reclaim(p_shop, p_sku, v_expected_version) r;
            commit;
            v_in_vain := case v_reclaimed when 0 then v_in_vain + 1 else 0 end;
        end if;
    end loop;
    o_outcome := v_answer.o_outcome;
    o_on_hand := v_answer.o_on_hand;
    o_held := v_answer.o_held;
    o_version := v_answer.o_version;
    o_movement := v_answer.o_movement;
    o_broken := v_answer.o_broken;
end;
$$;
