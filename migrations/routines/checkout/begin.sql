-- Places, or replaces, the hold of a whole cart. The entry that callers use; checkout_begin_core
-- decides.
--
-- Outcomes: placed, replaced, same (the same request again), unknown_shop, unknown_sku,
-- not_on_sale, shortage, too_many_checkouts, limit_reached (o_refused_available then says how many
-- more the customer may have), checkout_conflict, stale_revision, checkout_ordered, checkout_ended,
-- hold_too_long.
--
-- Early lock release: the first commit is asynchronous, so that the hot row is free for the next
-- shopper at once; then one tiny WAL record is committed synchronously, which flushes everything
-- before it, the first commit included. The caller gets its answer only after that flush: what was
-- acknowledged survives. A refusal changes nothing and needs none. A routine that commits can be
-- neither SECURITY DEFINER nor have a SET clause: hence the two pieces.
create or replace procedure holdfast.checkout_begin(
    p_shop text, p_checkout_id uuid, p_customer text, p_revision integer, p_request_hash bytea,
    p_hold_s integer, p_skus text[], p_quantities integer[],
    inout o_outcome text default null, inout o_status text default null,
    inout o_currency text default null, inout o_expires_at timestamptz default null,
    inout o_server_time timestamptz default null, inout o_prices bigint[] default null,
    inout o_refused_skus text[] default null, inout o_refused_available integer[] default null)
language plpgsql as $$
declare
    v_early boolean := holdfast.early_release_allowed();
    v_kept boolean;
    v_begun record;
    v_tries integer := 0;
    -- reclaims in a row that could free nothing: what is due there can't be expired, and the
    -- promises' check reports it
    v_idle integer := 0;
    v_reclaimed integer;
    v_set text;
    v_flush pg_lsn;
begin
    -- Assignments where a statement would do, because a statement costs several times as much.
    loop
        if v_early then
            v_set := set_config('synchronous_commit', 'off', true);
        end if;
        v_begun := holdfast.checkout_begin_core(
            p_shop, p_checkout_id, p_customer, p_revision, p_request_hash, p_hold_s, p_skus,
            p_quantities);
        v_kept := v_begun.o_outcome in ('placed', 'replaced', 'same');
        exit when v_kept or v_begun.o_outcome not in (
            'again', 'reclaim', 'reclaim_customer', 'limit_reached', 'too_many_checkouts');
        rollback;
        exit when v_begun.o_outcome in ('limit_reached', 'too_many_checkouts');
        v_tries := v_tries + 1;
        if v_tries = 1000 then
            raise exception using errcode = 'serialization_failure',
                message = 'checkout_begin: others were faster a thousand times';
        end if;
        -- A transaction of its own: it locks other checkouts, which must not happen while this one
        -- holds stock.
        if v_begun.o_outcome in ('reclaim', 'reclaim_customer') then
            v_reclaimed := case v_begun.o_outcome
                when 'reclaim'
                    then holdfast.checkout_reclaim(p_shop, v_begun.o_refused_skus, null, null)
                else holdfast.checkout_reclaim(p_shop, null, null, p_customer)
            end;
            commit;
            v_idle := case v_reclaimed when 0 then v_idle + 1 else 0 end;
            if v_idle = 3 then
                v_begun.o_outcome := case v_begun.o_outcome
                    when 'reclaim' then 'shortage'
                    when v_begun.o_refused_skus is null then 'too_many_checkouts'
                    else 'limit_reached'
                end;
                exit;
            end if;
        end if;
    end loop;
    -- before anything else: until here the hot row is locked
    if v_kept and v_early then
        commit;
        v_flush := pg_logical_emit_message(true, 'holdfast', '');  -- guard(acknowledged_survives)
    end if;
    o_outcome := v_begun.o_outcome;
    o_status := v_begun.o_status;
    o_currency := v_begun.o_currency;
    o_expires_at := v_begun.o_expires_at;
    o_server_time := v_begun.o_server_time;
    o_prices := v_begun.o_prices;
    o_refused_skus := v_begun.o_refused_skus;
    o_refused_available := v_begun.o_refused_available;
end;
$$;
