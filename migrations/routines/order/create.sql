-- Turns a checkout into its order, in one transaction. A refusal or a failure leaves nothing
-- behind, not even a renewed hold. order_create_attempt decides.
--
-- Outcomes: created, same (the same request again), not_found, order_conflict, offline_not_allowed
-- (the shop lets only staff sell without a gateway), checkout_ended, checkout_too_old,
-- address_unknown; coupon_unknown, coupon_not_yet_valid, coupon_expired, coupon_not_for_cart,
-- coupon_below_minimum, coupon_used_up, coupon_used_up_by_customer;
-- amount_not_payable (p_gateway does not take the total: o_details has its bounds),
-- payer_incomplete (the total is not zero, and the request lacks something that p_gateway needs:
-- p_gateway_ready is false); and, if the hold had ended, not_on_sale, price_changed (o_details has
-- both prices), shortage, too_many_checkouts, limit_reached (o_refused_available says how many more
-- the customer may have). The lock of a hot row is released early, as in checkout_begin: an offline
-- order deducts stock, and an order whose hold had ended holds it again.
create or replace procedure holdfast.order_create(
    p_shop text, p_checkout_id uuid, p_customer text, p_request_hash bytea, p_order_id uuid,
    p_reference text, p_method text, p_coupon text, p_address jsonb, p_address_id uuid,
    p_save_address boolean, p_gateway text default null, p_gateway_ready boolean default true,
    inout o_outcome text default null, inout o_order jsonb default null,
    inout o_refused_skus text[] default null, inout o_refused_requested integer[] default null,
    inout o_refused_available integer[] default null, inout o_details jsonb default null)
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
        v_answer := holdfast.order_create_attempt(
            p_shop, p_checkout_id, p_customer, p_request_hash, p_order_id, p_reference, p_method,
            p_coupon, p_address, p_address_id, p_save_address, v_in_vain < 3,
            p_gateway, p_gateway_ready);
        exit when v_answer.o_outcome in ('created', 'same');
        -- removes everything that was written before the refusal
        rollback;
        exit when v_answer.o_outcome not in ('again', 'reclaim');
        v_attempts := holdfast.attempt_count('order_create', v_attempts);
        if v_answer.o_outcome = 'reclaim' then
            v_reclaimed := holdfast.checkout_reclaim(p_shop, v_answer.o_reclaim);
            commit;
            v_in_vain := case v_reclaimed when 0 then v_in_vain + 1 else 0 end;
        end if;
    end loop;
    if v_early and v_answer.o_outcome in ('created', 'same') then
        commit;
        v_flushed := holdfast.early_release_persist(p_shop, v_way, p_checkout_id);
    end if;
    o_outcome := v_answer.o_outcome;
    o_order := v_answer.o_order;
    o_refused_skus := v_answer.o_refused_skus;
    o_refused_requested := v_answer.o_refused_requested;
    o_refused_available := v_answer.o_refused_available;
    o_details := v_answer.o_details;
end;
$$;
