-- Applies an event to its payment. The caller has locked the event, the checkout, the order and the
-- payment. Outcomes and locks: as payment_record_event_attempt. p_answer: the answer so far.
create or replace function holdfast.payment_apply(
    p_payment holdfast.payments, p_checkout_id uuid, p_event holdfast.payment_events,
    p_answer holdfast.payment_answer, p_reclaim boolean) returns holdfast.payment_answer
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_answer payment_answer := p_answer;
    v_applied payment_answer;
begin
    if p_event.kind = 'paid' then
        v_applied := payment_apply_paid(p_payment, p_checkout_id, p_event.gateway,
            p_event.gateway_payment_id, p_event.amount_minor, p_event.currency, p_reclaim);
        v_answer.o_outcome := v_applied.o_outcome;
        v_answer.o_reclaim := v_applied.o_reclaim;
    elsif p_event.kind like 'dispute%' then
        v_answer.o_outcome := payment_dispute(p_payment, p_event.gateway, p_event.kind,
            p_event.dispute_id, p_event.dispute_stage, p_event.gateway_payment_id,
            p_event.amount_minor, p_event.currency);
    elsif p_event.kind like 'refund\_%' then
        v_answer.o_outcome := refund_apply_event(p_payment.shop, p_event.gateway,
            p_payment.reference, p_event.kind, p_event.amount_minor, p_event.currency,
            p_event.gateway_payment_id, p_event.refund_id, p_event.gateway_refund_id);
    elsif p_event.kind = 'pending' then
        v_answer.o_outcome := 'recorded';
    elsif p_payment.status < p_event.kind::payment_status then
        -- the hold stays, because shoppers try again
        update payments p set status = p_event.kind::payment_status
        where p.shop = p_payment.shop and p.reference = p_payment.reference;
        v_answer.o_outcome := 'recorded';
    else
        v_answer.o_outcome := 'no_effect';
    end if;
    return v_answer;
end;
$$;
