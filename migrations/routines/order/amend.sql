-- Replaces the lines of a booking: another party size, another departure, or both.
-- order_amend_attempt decides.
--
-- Outcomes: amended, same (the order has these lines already), not_found, not_offline, order_ended,
-- order_has_coupon, stale (the order has another version than p_expected_version),
-- too_many_changes (order_changes_max), unknown_sku,
-- not_on_sale, limit_reached (o_refused_available says how many more the customer may have),
-- shortage. amended, same and stale answer the current order. A refusal changes nothing. Reclaims
-- and early lock release as in checkout_begin.
create or replace procedure holdfast.order_amend(
    p_shop text, p_checkout_id uuid, p_expected_version bigint, p_actor text,
    p_skus text[], p_quantities integer[],
    inout o_outcome text default null, inout o_order jsonb default null,
    inout o_refused_skus text[] default null, inout o_refused_available integer[] default null)
language plpgsql as $$
declare
    v_way text := holdfast.early_release_way();
    v_early boolean := v_way <> 'off';
    v_answer holdfast.order_answer;
    v_attempts integer := 0;
    -- consecutive reclaims that freed nothing, as in checkout_begin
    v_in_vain integer := 0;
    v_reclaimed integer;
    v_flushed boolean;
begin
    loop
        if v_early then
            set local synchronous_commit = off;
        end if;
        v_answer := holdfast.order_amend_attempt(p_shop, p_checkout_id, p_expected_version,
            p_actor, p_skus, p_quantities, v_in_vain < 3);
        exit when v_answer.o_outcome in ('amended', 'same');
        -- a move to a full departure: the old seats, which were given back before the refusal, stay
        -- sold
        rollback;
        exit when v_answer.o_outcome not in ('again', 'reclaim');
        v_attempts := holdfast.attempt_count('order_amend', v_attempts);
        if v_answer.o_outcome = 'reclaim' then
            v_reclaimed := holdfast.checkout_reclaim(p_shop, v_answer.o_reclaim);
            commit;
            v_in_vain := case v_reclaimed when 0 then v_in_vain + 1 else 0 end;
        end if;
    end loop;
    if v_early and v_answer.o_outcome in ('amended', 'same') then
        commit;
        v_flushed := holdfast.early_release_persist(p_shop, v_way, p_checkout_id);
    end if;
    o_outcome := v_answer.o_outcome;
    o_order := v_answer.o_order;
    o_refused_skus := v_answer.o_refused_skus;
    o_refused_available := v_answer.o_refused_available;
end;
$$;
