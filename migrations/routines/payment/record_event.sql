-- Records one verified event of a gateway, and applies it once, even if it comes often, late or out
-- of order. payment_record_event_attempt decides. p_webhook_envelope has the webhook's headers and
-- its time of arrival, for people. It decides nothing.
--
-- o_contradicts: a message came under this key before, and reported other facts. Both are kept.
--
-- Outcomes: completed, completed_late, refund_due, review, excess, recorded, no_effect (all final),
-- duplicate (recorded before), parked (its payment or refund is unknown: stored, and tried again).
-- Early lock release as in checkout_begin: completing an order updates the hot row.
create or replace procedure holdfast.payment_record_event(
    p_shop text, p_gateway text, p_event_key text, p_reference text, p_kind text,
    p_amount_minor bigint, p_currency text, p_gateway_payment_id text, p_payload text,
    p_gateway_order_id text, p_refund_id uuid, p_gateway_refund_id text,
    p_webhook_envelope jsonb, p_dispute_id text default null, p_dispute_stage text default null,
    p_other_payment_id text default null,
    inout o_outcome text default null, inout o_order_id uuid default null,
    inout o_contradicts boolean default null)
language plpgsql as $$
declare
    v_way text := holdfast.early_release_way();
    v_early boolean := v_way <> 'off';
    v_answer holdfast.payment_answer;
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
        v_answer := holdfast.payment_record_event_attempt(
            p_shop, p_gateway, p_event_key, p_reference, p_kind, p_amount_minor, p_currency,
            p_gateway_payment_id, p_payload, p_gateway_order_id, p_refund_id, p_gateway_refund_id,
            p_webhook_envelope, v_in_vain < 3, p_dispute_id, p_dispute_stage, p_other_payment_id);
        exit when v_answer.o_outcome not in ('again', 'reclaim');
        rollback;
        v_attempts := holdfast.attempt_count('payment_record_event', v_attempts);
        if v_answer.o_outcome = 'reclaim' then
            v_reclaimed := holdfast.checkout_reclaim(p_shop, v_answer.o_reclaim);
            commit;
            v_in_vain := case v_reclaimed when 0 then v_in_vain + 1 else 0 end;
        end if;
    end loop;
    if v_early then
        commit;
        v_flushed := holdfast.early_release_persist(p_shop, v_way, null, p_gateway, p_event_key);
    end if;
    o_outcome := v_answer.o_outcome;
    o_order_id := v_answer.o_order_id;
    o_contradicts := coalesce(v_answer.o_contradicts, false);
end;
$$;
