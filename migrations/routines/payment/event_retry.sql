-- Tries a parked event again, as it is stored, because a person asks for it. A caller who may only
-- call this can make no payment up: payment_record_event takes any facts, this one takes a key.
-- Outcomes: those of payment_record_event (parked: its payment is still unknown); duplicate (it was
-- not parked); waits (another call was faster, or due holds are in the way: the next sweep applies
-- it); not_found. The event keeps p_actor. Locks: those of payment_record_event.
create or replace function holdfast.payment_event_retry(
    p_shop text, p_gateway text, p_event_key text, p_actor text,
    out o_outcome text, out o_order_id uuid)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_event payment_events%rowtype;
    v_answer payment_answer;
    v_now timestamptz := clock_timestamp();
begin
    select * into v_event from payment_events e
    where e.shop = p_shop and e.gateway = p_gateway and e.event_key = p_event_key
        for no key update;
    if not found or v_event.outcome <> 'parked' then
        o_outcome := case when v_event.event_key is null then 'not_found' else 'duplicate' end;
        return;
    end if;
    update payment_events e set retried_by = p_actor, consider_at = v_now
    where e.shop = p_shop and e.gateway = p_gateway and e.event_key = p_event_key;
    begin
        v_answer := payment_record_event_attempt(
            p_shop, p_gateway, p_event_key, v_event.reference, v_event.kind, v_event.amount_minor,
            v_event.currency, v_event.gateway_payment_id, v_event.payload,
            v_event.gateway_order_id, v_event.refund_id, v_event.gateway_refund_id,
            v_event.webhook_envelope, true, v_event.dispute_id, v_event.dispute_stage,
            v_event.other_payment_id);
        if v_answer.o_outcome in ('again', 'reclaim') then
            -- undoes what the attempt has written; a function can't roll back otherwise
            raise exception using errcode = 'HF001', message = 'the attempt must be rolled back';
        end if;
    exception when sqlstate 'HF001' then
        v_answer.o_outcome := 'waits';
    end;
    o_outcome := v_answer.o_outcome;
    o_order_id := v_answer.o_order_id;
end;
$$;
