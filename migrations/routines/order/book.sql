-- A dispatcher books a party in one call: hold and offline order in one transaction, sold at once.
-- The entry that callers use; order_book_core decides.
--
-- Outcomes: booked, same (the same request again: the order as it is now), unknown_shop,
-- unknown_sku, not_on_sale, shortage, too_many_checkouts, limit_reached (o_refused_available then
-- says how many more the customer may have), checkout_conflict, stale_revision, checkout_ended, and
-- coupon_unknown, coupon_not_yet_valid, coupon_expired, coupon_not_for_cart, coupon_below_minimum,
-- coupon_used_up, coupon_used_up_by_customer.
-- Nothing is held or sold by a refusal. Due holds are reclaimed before a shortage and the row lock
-- is released early, both as in checkout_begin.
create or replace procedure holdfast.order_book(
    p_shop text, p_checkout_id uuid, p_customer text, p_request_hash bytea, p_order_id uuid,
    p_reference text, p_coupon text, p_actor text, p_skus text[], p_quantities integer[],
    inout o_outcome text default null, inout o_order jsonb default null,
    inout o_refused_skus text[] default null, inout o_refused_available integer[] default null)
language plpgsql as $$
declare
    v_early boolean := holdfast.early_release_allowed();
    v_tries integer := 0;
    -- reclaims in a row that freed nothing: what is due there can't be expired, the promises' check
    -- reports it
    v_idle integer := 0;
    v_reclaimed integer;
begin
    loop
        v_tries := v_tries + 1;
        if v_early then
            set local synchronous_commit = off;
        end if;
        select c.o_outcome, c.o_order, c.o_refused_skus, c.o_refused_available
        into o_outcome, o_order, o_refused_skus, o_refused_available
        from holdfast.order_book_core(
            p_shop, p_checkout_id, p_customer, p_request_hash, p_order_id, p_reference, p_coupon,
            p_actor, p_skus, p_quantities) c;
        exit when o_outcome in ('booked', 'same');
        -- the hold that was placed on the way to a refused order is gone
        rollback;
        exit when o_outcome not in ('again', 'reclaim', 'reclaim_customer', 'reclaim_coupon');
        if v_tries = 1000 then
            raise exception using errcode = 'serialization_failure',
                message = 'order_book: others were faster a thousand times';
        end if;
        if o_outcome <> 'again' then
            v_reclaimed := case o_outcome
                when 'reclaim'
                    then holdfast.checkout_reclaim(p_shop, o_refused_skus, null, null)
                when 'reclaim_coupon'
                    then holdfast.checkout_reclaim(p_shop, null, p_coupon, null)
                else holdfast.checkout_reclaim(p_shop, null, null, p_customer)
            end;
            v_idle := case v_reclaimed when 0 then v_idle + 1 else 0 end;
            commit;
            if v_idle = 3 then
                o_outcome := case
                    when o_outcome = 'reclaim' then 'shortage'
                    when o_outcome = 'reclaim_coupon' then 'coupon_used_up'
                    when o_refused_skus is null then 'too_many_checkouts'
                    else 'limit_reached'
                end;
                exit;
            end if;
        end if;
    end loop;
    if v_early and o_outcome in ('booked', 'same') then
        commit;
        perform pg_logical_emit_message(true, 'holdfast', '');
    end if;
end;
$$;
