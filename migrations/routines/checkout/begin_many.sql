-- Holds the carts of many new checkouts of one shop in one call. It decides as checkout_begin does,
-- in the order of p_checkout_ids. docs/decisions/0010 says why, and what was rejected.
--
-- p_skus: each sku once, sorted bytewise. A line is the number of its checkout, the number of its
-- sku (both from 1) and a quantity. The lines are sorted by checkout, then by sku.
--
-- Outcomes, one for each checkout:
-- - placed: held until its o_expires_at, at the prices in o_prices (one for each sku);
-- - shortage: nothing is held. o_available says, for each line that is short, how many units there
--   are;
-- - apart: nothing is decided. The caller must call checkout_begin for this checkout alone: its id
--   is known or comes twice, its customer comes twice and is limited, its sku is unknown or not on
--   sale, it has too many units, due holds are in its way, or something else is unusual.
--
-- checkout_begin_many_attempt decides. It runs again if another call was faster, or if due holds
-- were in the way of all carts and are expired now: five times at most. Then every checkout is
-- `apart`. Early lock release as in checkout_begin.
--
-- It waits for a lock half a second at most. Then it fails, and the caller must call checkout_begin
-- for each checkout. Otherwise the other carts of this call would wait as long as those of a sku
-- whose row somebody keeps locked.
create or replace procedure holdfast.checkout_begin_many(
    p_shop text, p_checkout_ids uuid[], p_customers text[], p_revisions integer[],
    p_request_hashes bytea[], p_holds_s integer[], p_skus text[], p_line_checkouts integer[],
    p_line_skus integer[], p_quantities integer[],
    inout o_outcomes text[] default null, inout o_currency text default null,
    inout o_server_time timestamptz default null, inout o_expires_at timestamptz[] default null,
    inout o_prices bigint[] default null, inout o_available integer[] default null)
language plpgsql as $$
declare
    v_way text := holdfast.early_release_way();
    v_early boolean := v_way <> 'off';
    v_answer holdfast.checkouts_answer;
    v_attempts integer := 0;
    v_reclaimed integer;
    v_set text;
    v_flushed boolean;
begin
    loop
        v_set := set_config('lock_timeout', '500ms', true);
        if v_early then
            v_set := set_config('synchronous_commit', 'off', true);
        end if;
        v_answer := holdfast.checkout_begin_many_attempt(
            p_shop, p_checkout_ids, p_customers, p_revisions, p_request_hashes, p_holds_s, p_skus,
            p_line_checkouts, p_line_skus, p_quantities);
        exit when v_answer.o_outcome not in ('again', 'reclaim');
        rollback;
        v_attempts := v_attempts + 1;
        exit when v_attempts = 5;
        if v_answer.o_outcome = 'reclaim' then
            v_set := set_config('lock_timeout', '500ms', true);
            v_reclaimed := holdfast.checkout_reclaim(p_shop, v_answer.o_reclaim);
            commit;
            -- these due holds can't be expired, and promises_check reports them
            exit when v_reclaimed = 0;
        end if;
    end loop;
    if v_answer.o_outcome = 'placed' and v_early then
        commit;
        v_flushed := holdfast.early_release_persist(p_shop, v_way,
            p_checkout_ids[array_position(v_answer.o_outcomes, 'placed')]);
    end if;
    -- without outcomes, every attempt was beaten
    o_outcomes := coalesce(
        v_answer.o_outcomes, array_fill('apart'::text, array[cardinality(p_checkout_ids)]));
    o_currency := v_answer.o_currency;
    o_server_time := v_answer.o_server_time;
    o_expires_at := v_answer.o_expires_at;
    o_prices := v_answer.o_prices;
    o_available := v_answer.o_available;
end;
$$;
