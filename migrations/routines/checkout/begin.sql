-- Holds a whole cart, or replaces the cart that a checkout holds.
--
-- Outcomes: placed, replaced, same (the same request again), unknown_shop, unknown_sku,
-- not_on_sale, too_many_units (more than a cart or a line of this shop may have: o_units_max has
-- both bounds, o_refused_skus the lines), shortage, too_many_checkouts, limit_reached
-- (o_refused_available says how many more the customer may have), checkout_conflict,
-- stale_revision, checkout_ordered, checkout_ended, hold_too_long,
-- too_many_replacements.
--
-- checkout_begin_attempt decides. It runs again after `again` (another call was faster). After
-- `reclaim` (due holds are in the way) they are expired first, and then it runs again.
--
-- Early lock release: the first commit is asynchronous, so the hot row is free at once for the next
-- shopper. Then a tiny WAL record is committed synchronously (early_release_persist). This flushes
-- everything before it, the first commit included. The answer leaves after that flush, so
-- everything acknowledged survives. A refusal changes nothing and needs no flush. A routine that
-- commits cannot be SECURITY DEFINER and cannot have a SET clause. So the work is in a second
-- routine.
create or replace procedure holdfast.checkout_begin(
    p_shop text, p_checkout_id uuid, p_customer text, p_revision integer, p_request_hash bytea,
    p_hold_s integer, p_skus text[], p_quantities integer[],
    inout o_outcome text default null, inout o_status text default null,
    inout o_currency text default null, inout o_expires_at timestamptz default null,
    inout o_server_time timestamptz default null, inout o_prices bigint[] default null,
    inout o_refused_skus text[] default null, inout o_refused_available integer[] default null,
    inout o_units_max integer[] default null)
language plpgsql as $$
declare
    v_way text := holdfast.early_release_way();
    v_early boolean := v_way <> 'off';
    v_answer holdfast.checkout_answer;
    v_held boolean;
    v_attempts integer := 0;
    -- consecutive reclaims that freed nothing: these due holds can't be expired, and promises_check
    -- reports them
    v_in_vain integer := 0;
    v_reclaimed integer;
    v_set text;
    v_flushed boolean;
begin
    -- Assignments, and not SQL statements: a statement costs several times as much.
    loop
        if v_early then
            v_set := set_config('synchronous_commit', 'off', true);
        end if;
        v_answer := holdfast.checkout_begin_attempt(
            p_shop, p_checkout_id, p_customer, p_revision, p_request_hash, p_hold_s, p_skus,
            p_quantities, v_in_vain < 3);
        v_held := v_answer.o_outcome in ('placed', 'replaced', 'same');
        -- the other refusals have written nothing
        exit when v_held or v_answer.o_outcome not in (
            'again', 'reclaim', 'limit_reached', 'too_many_checkouts');
        rollback;
        exit when v_answer.o_outcome not in ('again', 'reclaim');
        v_attempts := holdfast.attempt_count('checkout_begin', v_attempts);
        if v_answer.o_outcome = 'reclaim' then
            v_reclaimed := holdfast.checkout_reclaim(p_shop, v_answer.o_reclaim);
            commit;
            v_in_vain := case v_reclaimed when 0 then v_in_vain + 1 else 0 end;
        end if;
    end loop;
    -- first of all, because the hot row is locked until this commit
    if v_held and v_early then
        commit;
        v_flushed := holdfast.early_release_persist(p_shop, v_way, p_checkout_id);
    end if;
    o_outcome := v_answer.o_outcome;
    o_status := v_answer.o_status;
    o_currency := v_answer.o_currency;
    o_expires_at := v_answer.o_expires_at;
    o_server_time := v_answer.o_server_time;
    o_prices := v_answer.o_prices;
    o_refused_skus := v_answer.o_refused_skus;
    o_refused_available := v_answer.o_refused_available;
    o_units_max := v_answer.o_units_max;
end;
$$;
