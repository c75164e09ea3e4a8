-- One attempt of payment_record_event, in the caller's transaction. Outcomes beside those of
-- payment_record_event: `again` and `reclaim`, as in checkout_begin_attempt; neither can be
-- committed. The effect is always that of the stored row: a parked event that comes again with
-- other facts under its key is applied as payment_merge says, and stored like that. Locks: the
-- event, the checkout, the order, the payment, then as order_complete, refunds, captures, disputes.
create or replace function holdfast.payment_record_event_attempt(
    p_shop text, p_gateway text, p_event_key text, p_reference text, p_kind text,
    p_amount_minor bigint, p_currency text, p_gateway_payment_id text, p_payload text,
    p_gateway_order_id text, p_refund_id uuid, p_gateway_refund_id text,
    p_webhook_envelope jsonb, p_reclaim boolean, p_dispute_id text default null,
    p_dispute_stage text default null, p_other_payment_id text default null)
    returns holdfast.payment_answer
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_answer payment_answer;
    v_now timestamptz := clock_timestamp();
    v_said payment_events%rowtype;
    v_event payment_events%rowtype;
    v_reference text;
    v_checkout_id uuid;
    v_payment payments%rowtype;
begin
    insert into payment_events (shop, gateway, event_key, reference, kind, amount_minor, currency,
        gateway_payment_id, other_payment_id, payload, gateway_order_id, refund_id,
        gateway_refund_id, dispute_id, dispute_stage, webhook_envelope, received_at)
    values (p_shop, p_gateway, p_event_key, p_reference, p_kind, p_amount_minor, p_currency,
        p_gateway_payment_id, p_other_payment_id, p_payload, p_gateway_order_id, p_refund_id,
        p_gateway_refund_id, p_dispute_id, p_dispute_stage, p_webhook_envelope, v_now)
    on conflict do nothing
    returning * into v_event;
    if not found then
        v_said.kind := p_kind;
        v_said.payload := p_payload;
        v_said.reference := p_reference;
        v_said.amount_minor := p_amount_minor;
        v_said.currency := p_currency;
        v_said.gateway_payment_id := p_gateway_payment_id;
        v_said.other_payment_id := p_other_payment_id;
        v_said.gateway_order_id := p_gateway_order_id;
        v_said.refund_id := p_refund_id;
        v_said.gateway_refund_id := p_gateway_refund_id;
        v_said.dispute_id := p_dispute_id;
        v_said.dispute_stage := p_dispute_stage;
        select * into v_event from payment_events e
        where e.shop = p_shop and e.gateway = p_gateway and e.event_key = p_event_key
            for no key update;  -- guard(a_payment_changes_stock_once)
        if v_event.payload <> p_payload and payment_contradicts(v_event, v_said) then
            v_answer.o_contradicts := true;
            insert into payment_event_contradictions (shop, gateway, event_key, payload,
                received_at)
            values (p_shop, p_gateway, p_event_key, p_payload, v_now)
            on conflict do nothing;
        end if;
        if v_event.outcome <> 'parked' then
            v_answer.o_outcome := 'duplicate';
            return v_answer;
        end if;
        v_event := payment_merge(v_event, v_said,
            payment_find(p_shop, p_gateway, v_event.kind, v_event.reference,
                v_event.gateway_order_id, v_event.gateway_payment_id, v_event.refund_id,
                v_event.gateway_refund_id) is null);
    end if;
    v_reference := v_event.reference;

    if v_event.kind = 'other' then
        v_answer.o_outcome := 'recorded';
    else
        v_reference := payment_find(p_shop, p_gateway, v_event.kind, v_event.reference,
            v_event.gateway_order_id, v_event.gateway_payment_id, v_event.refund_id,
            v_event.gateway_refund_id);
        select o.order_id, o.checkout_id into v_answer.o_order_id, v_checkout_id
        from payments p join orders o on o.shop = p.shop and o.order_id = p.order_id
        where p.shop = p_shop and p.reference = v_reference;
        if not found and v_event.kind <> 'pending' then
            v_answer.o_outcome := 'parked';
            return v_answer;
        end if;
        v_reference := coalesce(v_reference, v_event.reference);
        perform from checkouts c where c.shop = p_shop and c.checkout_id = v_checkout_id
            for no key update;  -- guard(a_payment_changes_stock_once)
        perform from orders o where o.shop = p_shop and o.order_id = v_answer.o_order_id
            for no key update;  -- guard(a_payment_changes_stock_once)
        select * into v_payment from payments p
        where p.shop = p_shop and p.reference = v_reference
            for no key update;  -- guard(a_payment_changes_stock_once)
        -- race(a_payment_changes_stock_once): read, nothing written
        v_answer := payment_apply(v_payment, v_checkout_id, v_event, v_answer, p_reclaim);
        if v_answer.o_outcome in ('again', 'reclaim') then
            return v_answer;
        end if;
        -- The shopper tries to pay. A shopper who only leaves the gateway's page (`dropped`) does
        -- not.
        if v_event.kind in ('pending', 'failed')
            or v_event.kind = 'paid' and v_answer.o_outcome = 'review'
        then
            perform order_hold_longer(p_shop, v_answer.o_order_id);
        end if;
    end if;
    -- also the reference: the event's own may be missing or wrong
    update payment_events e
    set outcome = v_answer.o_outcome, resolved_at = v_now, reference = v_reference,
        kind = v_event.kind, amount_minor = v_event.amount_minor, currency = v_event.currency,
        gateway_payment_id = v_event.gateway_payment_id,
        other_payment_id = v_event.other_payment_id,
        gateway_order_id = v_event.gateway_order_id, refund_id = v_event.refund_id,
        gateway_refund_id = v_event.gateway_refund_id, dispute_id = v_event.dispute_id,
        dispute_stage = v_event.dispute_stage
    where e.shop = p_shop and e.gateway = p_gateway and e.event_key = p_event_key;
    return v_answer;
end;
$$;
