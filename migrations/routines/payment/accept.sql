-- Takes the money of an order in review as its whole payment, because staff decide so: a little too
-- much, or a little too little. The order is completed. All of its captured money in its currency
-- stays refundable. p_captured_minor: the sum that the person saw. payment_accept_attempt decides.
--
-- Outcomes: accepted; same (this sum was accepted before); not_found; not_in_review; not_captured
-- (none of the money in review is in the order's currency); payment_disputed (a bank asks for money
-- of the order or has taken it, and p_despite_dispute is false); captured_changed (o_captured_minor
-- is the sum now); order_unfillable (its hold has ended, and its stock or its coupon's last use is
-- gone, or a sku is off sale). Reclaims and early lock release as in checkout_begin.
create or replace procedure holdfast.payment_accept(
    p_shop text, p_order_id uuid, p_captured_minor bigint, p_actor text, p_note text,
    p_despite_dispute boolean default false,
    inout o_outcome text default null, inout o_captured_minor bigint default null)
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
        v_answer := holdfast.payment_accept_attempt(p_shop, p_order_id, p_captured_minor,
            p_actor, p_note, p_despite_dispute, v_in_vain < 3);
        exit when v_answer.o_outcome in ('accepted', 'same');
        rollback;
        exit when v_answer.o_outcome not in ('again', 'reclaim');
        v_attempts := holdfast.attempt_count('payment_accept', v_attempts);
        if v_answer.o_outcome = 'reclaim' then
            v_reclaimed := holdfast.checkout_reclaim(p_shop, v_answer.o_reclaim);
            commit;
            v_in_vain := case v_reclaimed when 0 then v_in_vain + 1 else 0 end;
        end if;
    end loop;
    if v_early and v_answer.o_outcome in ('accepted', 'same') then
        commit;
        v_flushed := holdfast.early_release_persist(p_shop, v_way,
            (v_answer.o_details ->> 'checkout_id')::uuid);
    end if;
    o_outcome := v_answer.o_outcome;
    o_captured_minor := (v_answer.o_details ->> 'captured_minor')::bigint;
end;
$$;
