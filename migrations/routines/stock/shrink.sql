-- Takes units of a sku that are not there, though they were counted, out of on_hand, with their row
-- in the ledger (reason `missing`). Where holds claim more than is left, the newest go until the
-- rest fits: whole checkouts, each announced as `checkout.broken` (checkout_break). Holds that are
-- due go before, as expired. The entry that callers use; stock_shrink_core decides.
--
-- Outcomes, in order of precedence: unknown_sku; same (the shrinkage with this p_movement_id was
-- made before: nothing happens again); movement_conflict (that id belongs to another change); stale
-- (the stock level has another version than p_expected_version, null where any will do; holds that
-- this call expires don't count); more_than_on_hand; would_shrink (p_dry_run: nothing is changed,
-- and the id does not count); shrunk. The numbers are those after it, or the current ones; of a dry
-- run on_hand and held as they would be, with the current version: what to expect in earnest.
-- o_movement is as that of stock_move. o_broken are the holds that were, or would be, broken,
-- newest first.
create or replace procedure holdfast.stock_shrink(
    p_shop text, p_sku text, p_missing integer, p_expected_version bigint, p_actor text,
    p_reference text, p_note text, p_movement_id uuid, p_dry_run boolean,
    inout o_outcome text default null, inout o_on_hand integer default null,
    inout o_held integer default null, inout o_version bigint default null,
    inout o_movement jsonb default null, inout o_broken jsonb default null)
language plpgsql as $$
declare
    v_expected_version bigint := p_expected_version;
    v_tries integer := 0;
    -- reclaims in a row that freed nothing: what is due there can't be expired, the promises' check
    -- reports it
    v_idle integer := 0;
    v_reclaimed integer;
begin
    loop
        v_tries := v_tries + 1;
        select c.o_outcome, c.o_on_hand, c.o_held, c.o_version, c.o_movement, c.o_broken
        into o_outcome, o_on_hand, o_held, o_version, o_movement, o_broken
        from holdfast.stock_shrink_core(
            p_shop, p_sku, p_missing, v_expected_version, p_actor, p_reference, p_note,
            p_movement_id, p_dry_run, v_idle < 3) c;
        exit when o_outcome not in ('again', 'reclaim');
        rollback;
        if v_tries = 1000 then
            raise exception using errcode = 'serialization_failure',
                message = 'stock_shrink: others were faster a thousand times';
        end if;
        if o_outcome = 'reclaim' then
            select r.o_reclaimed, r.o_expected_version into v_reclaimed, v_expected_version
            from holdfast.stock_shrink_reclaim(p_shop, p_sku, v_expected_version) r;
            commit;
            v_idle := case v_reclaimed when 0 then v_idle + 1 else 0 end;
        end if;
    end loop;
end;
$$;
