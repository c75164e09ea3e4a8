-- A parked event, together with a message that came later under its key. The same body, read by
-- newer code, replaces what older code read. Otherwise the event keeps the facts that came first,
-- because they are recorded, and only gets those that it lacks. Its reference and gateway order are
-- no facts about money: if they lead to no payment (p_lost), those of the message are tried.
create or replace function holdfast.payment_merge(
    p_stored holdfast.payment_events, p_said holdfast.payment_events, p_lost boolean)
    returns holdfast.payment_events
language plpgsql immutable set search_path = holdfast, pg_temp as $$
declare
    v_first payment_events := p_stored;
    v_then payment_events := p_said;
    v_merged payment_events := p_stored;
begin
    if p_stored.payload = p_said.payload then
        v_first := p_said;
        v_then := p_stored;
        v_merged.kind := p_said.kind;
    end if;
    v_merged.amount_minor := coalesce(v_first.amount_minor, v_then.amount_minor);
    v_merged.currency := coalesce(v_first.currency, v_then.currency);
    v_merged.gateway_payment_id := coalesce(v_first.gateway_payment_id, v_then.gateway_payment_id);
    v_merged.other_payment_id := coalesce(v_first.other_payment_id, v_then.other_payment_id);
    v_merged.refund_id := coalesce(v_first.refund_id, v_then.refund_id);
    v_merged.gateway_refund_id := coalesce(v_first.gateway_refund_id, v_then.gateway_refund_id);
    v_merged.dispute_id := coalesce(v_first.dispute_id, v_then.dispute_id);
    v_merged.dispute_stage := coalesce(v_first.dispute_stage, v_then.dispute_stage);
    if p_lost then
        v_first := p_said;
        v_then := p_stored;
    end if;
    v_merged.reference := coalesce(v_first.reference, v_then.reference);
    v_merged.gateway_order_id := coalesce(v_first.gateway_order_id, v_then.gateway_order_id);
    return v_merged;
end;
$$;
