-- Records one verified event of a gateway and does what it means, once, however often, late or out
-- of order it comes. The entry that callers use; payment_record_event_core decides. p_delivery is
-- what came beside the body, for people: nothing is decided by it.
--
-- Outcomes: completed, completed_late, refund_due, review, excess, recorded, no_effect (all final),
-- duplicate (recorded before), parked (what it is about is not known: stored, to be tried again).
-- Early lock release as in checkout_begin: completing an order updates the hot row.
create or replace procedure holdfast.payment_record_event(
    p_shop text, p_gateway text, p_event_key text, p_reference text, p_kind text,
    p_amount_minor bigint, p_currency text, p_gateway_payment_id text, p_payload text,
    p_gateway_order_id text, p_refund_id uuid, p_gateway_refund_id text, p_delivery jsonb,
    inout o_outcome text default null, inout o_order_id uuid default null,
    inout o_reclaim_skus text[] default null)
language plpgsql as $$
declare
    v_early boolean := holdfast.early_release_allowed();
    v_tries integer := 0;
    -- reclaims in a row that freed nothing: what is due there can't be expired, and the money is
    -- owed back instead
    v_idle integer := 0;
    v_reclaimed integer;
    v_coupon text;
begin
    loop
        v_tries := v_tries + 1;
        if v_early then
            set local synchronous_commit = off;
        end if;
        select c.o_outcome, c.o_order_id, c.o_reclaim_skus, c.o_reclaim_coupon
        into o_outcome, o_order_id, o_reclaim_skus, v_coupon
        from holdfast.payment_record_event_core(
            p_shop, p_gateway, p_event_key, p_reference, p_kind,
            p_amount_minor, p_currency, p_gateway_payment_id, p_payload, p_gateway_order_id,
            p_refund_id, p_gateway_refund_id, p_delivery, v_idle < 3) c;
        exit when o_outcome <> 'reclaim';
        rollback;
        if v_tries = 1000 then
            raise exception using errcode = 'serialization_failure',
                message = 'payment_record_event: others were faster a thousand times';
        end if;
        v_reclaimed := holdfast.checkout_reclaim(p_shop, o_reclaim_skus, v_coupon, null);
        v_idle := case v_reclaimed when 0 then v_idle + 1 else 0 end;
        commit;
    end loop;
    if v_early then
        commit;
        perform pg_logical_emit_message(true, 'holdfast', '');
    end if;
end;
$$;
