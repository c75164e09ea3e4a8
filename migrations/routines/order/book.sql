-- A dispatcher books a party in one call: hold and offline order in one transaction, sold at once.
-- order_book_attempt decides.
--
-- Outcomes: booked, same (the same request again: the order as it is now), unknown_shop,
-- unknown_sku, not_on_sale, shortage, too_many_checkouts, limit_reached (o_refused_available says
-- how many more the customer may have), checkout_conflict, stale_revision, checkout_ended, and the
-- coupons' outcomes of order_create. A refusal holds and sells nothing. Reclaims and early lock
-- release as in checkout_begin.
create or replace procedure holdfast.order_book(
    p_shop text, p_checkout_id uuid, p_customer text, p_request_hash bytea, p_order_id uuid,
    p_reference text, p_coupon text, p_actor text, p_skus text[], p_quantities integer[],
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
        v_answer := holdfast.order_book_attempt(
            p_shop, p_checkout_id, p_customer, p_request_hash, p_order_id, p_reference, p_coupon,
            p_actor, p_skus, p_quantities, v_in_vain < 3);
        exit when v_answer.o_outcome in ('booked', 'same');
        -- removes the hold that was placed before the refusal
        rollback;
        exit when v_answer.o_outcome not in ('again', 'reclaim');
        v_attempts := holdfast.attempt_count('order_book', v_attempts);
        if v_answer.o_outcome = 'reclaim' then
            v_reclaimed := holdfast.checkout_reclaim(p_shop, v_answer.o_reclaim);
            commit;
            v_in_vain := case v_reclaimed when 0 then v_in_vain + 1 else 0 end;
        end if;
    end loop;
    if v_early and v_answer.o_outcome in ('booked', 'same') then
        commit;
        v_flushed := holdfast.early_release_persist(p_shop, v_way, p_checkout_id);
    end if;
    o_outcome := v_answer.o_outcome;
    o_order := v_answer.o_order;
    o_refused_skus := v_answer.o_refused_skus;
    o_refused_available := v_answer.o_refused_available;
end;
$$;
