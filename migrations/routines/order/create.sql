-- Turns a checkout into its order, in one transaction: a refusal or a failure at any point leaves
-- nothing behind, not even a hold that was not there before. The entry that callers use;
-- order_create_core decides.
--
-- Outcomes: created, same (the same request again), not_found, order_conflict, checkout_ended,
-- checkout_too_old, shortage, address_unknown, and coupon_unknown, coupon_not_yet_valid,
-- coupon_expired, coupon_not_for_cart, coupon_below_minimum, coupon_used_up,
-- coupon_used_up_by_customer, too_many_checkouts, limit_reached (the hold had ended, and the
-- customer has had what one may have; o_refused_available says how many more they may). Early lock
-- release as in checkout_begin: an offline order deducts stock, and one whose hold had ended takes
-- it again.
create or replace procedure holdfast.order_create(
    p_shop text, p_checkout_id uuid, p_customer text, p_request_hash bytea, p_order_id uuid,
    p_reference text,
    p_method text, p_coupon text, p_address jsonb, p_address_id uuid, p_save_address boolean,
    inout o_outcome text default null, inout o_order jsonb default null,
    inout o_refused_skus text[] default null, inout o_refused_requested integer[] default null,
    inout o_refused_available integer[] default null)
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
        select c.o_outcome, c.o_order, c.o_refused_skus, c.o_refused_requested,
            c.o_refused_available
        into o_outcome, o_order, o_refused_skus, o_refused_requested, o_refused_available
        from holdfast.order_create_core(
            p_shop, p_checkout_id, p_customer, p_request_hash, p_order_id, p_reference,
            p_method, p_coupon, p_address, p_address_id, p_save_address) c;
        exit when o_outcome in ('created', 'same');
        -- the compensation: whatever was written on the way to a refusal is gone
        rollback;
        exit when o_outcome not in ('again', 'reclaim', 'reclaim_coupon');
        if v_tries = 1000 then
            raise exception using errcode = 'serialization_failure',
                message = 'order_create: others were faster a thousand times';
        end if;
        if o_outcome <> 'again' then
            v_reclaimed := holdfast.checkout_reclaim(p_shop, o_refused_skus,
                case o_outcome when 'reclaim_coupon' then p_coupon end, null);
            v_idle := case v_reclaimed when 0 then v_idle + 1 else 0 end;
            commit;
            if v_idle = 3 then
                o_outcome := case o_outcome
                    when 'reclaim' then 'shortage' else 'coupon_used_up' end;
                exit;
            end if;
        end if;
    end loop;
    if v_early and o_outcome in ('created', 'same') then
        commit;
        perform pg_logical_emit_message(true, 'holdfast', '');
    end if;
end;
$$;
