-- One attempt of payment_accept, in the caller's transaction. Outcomes beside those of
-- payment_accept: `again` and `reclaim`, as in checkout_begin_attempt. Only `accepted` and `same`
-- can be committed. Locks: the checkout, the order, the payment, its captures, then as
-- order_complete.
create or replace function holdfast.payment_accept_attempt(
    p_shop text, p_order_id uuid, p_captured_minor bigint, p_actor text, p_note text,
    p_despite_dispute boolean, p_reclaim boolean) returns holdfast.order_answer
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_answer order_answer;
    v_locked record;
    v_order orders%rowtype;
    v_payment payments%rowtype;
    v_captured bigint;
    v_newest payment_captures%rowtype;
    v_held hold_answer;
    v_now timestamptz;
begin
    v_locked := order_desk_lock(p_shop, null, p_order_id);
    v_order := v_locked.o_order;
    v_payment := v_locked.o_payment;
    select coalesce(sum(c.amount_minor - c.refunded_minor), 0) into v_captured
    from refund_captures(p_shop, v_payment.reference, v_payment.currency, null) c;
    v_answer.o_outcome := case
        when not v_locked.o_found then 'not_found'
        when v_payment.accepted_minor = p_captured_minor then 'same'
        when v_order.status <> 'review' or v_payment.status = 'paid' then 'not_in_review'
        when v_captured = 0 then 'not_captured'
        when not p_despite_dispute and payment_is_disputed(p_shop, v_payment.reference, null)
            then 'payment_disputed'
        when v_captured <> p_captured_minor then 'captured_changed'
    end;
    v_answer.o_details := jsonb_build_object(
        'captured_minor', v_captured, 'checkout_id', v_order.checkout_id);
    if v_answer.o_outcome is not null then
        return v_answer;
    end if;
    -- race(hold_resolves_once): read, nothing written
    update payment_captures c set accepted = true
    where c.shop = p_shop and c.reference = v_payment.reference
        and c.currency = v_payment.currency and c.amount_minor > c.refunded_minor;
    select c.* into strict v_newest from payment_captures c
    where c.shop = p_shop and c.reference = v_payment.reference and c.accepted
    order by c.captured_at desc, c.gateway_payment_id limit 1;
    v_now := clock_timestamp();
    update payments p
    set status = 'paid', paid_at = v_now, look_up_at = v_now,
        gateway = v_newest.gateway,
        gateway_payment_id = v_newest.gateway_payment_id, accepted_minor = v_captured,
        accepted_by = p_actor, accepted_note = p_note, accepted_at = v_now
    where p.shop = p_shop and p.reference = v_payment.reference;
    perform from checkouts c
    where c.shop = p_shop and c.checkout_id = v_order.checkout_id and c.status = 'ordered';
    if not found then
        v_held := order_hold_again(p_shop, p_order_id, v_order.checkout_id, p_reclaim);
        if v_held.o_outcome <> 'held' then
            -- the payment is written as paid, and must not be committed alone
            insert into must_roll_back (shop) values (p_shop);
            v_answer.o_outcome := case when v_held.o_outcome in ('again', 'reclaim')
                then v_held.o_outcome else 'order_unfillable' end;
            v_answer.o_reclaim := v_held.o_reclaim;
            return v_answer;
        end if;
    end if;
    update orders o set version = o.version + 1
    where o.shop = p_shop and o.order_id = p_order_id;
    perform order_complete(p_shop, array[p_order_id]);
    v_answer.o_outcome := 'accepted';
    return v_answer;
end;
$$;
