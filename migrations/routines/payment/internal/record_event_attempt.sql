-- One attempt of payment_record_event, in the caller's transaction. Outcomes beside those of
-- payment_record_event: `again` and `reclaim`, as in checkout_begin_attempt; neither can be
-- committed. Locks: the event, the checkout, the order, the payment, then as order_complete,
-- refunds, captures.
create or replace function holdfast.payment_record_event_attempt(
    p_shop text, p_gateway text, p_event_key text, p_reference text, p_kind text,
    p_amount_minor bigint, p_currency text, p_gateway_payment_id text, p_payload text,
    p_gateway_order_id text, p_refund_id uuid, p_gateway_refund_id text,
    p_webhook_envelope jsonb, p_reclaim boolean) returns holdfast.payment_answer
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_answer payment_answer;
    v_now timestamptz := clock_timestamp();
    v_reference text := p_reference;
    v_checkout_id uuid;
    v_payment payments%rowtype;
begin
    insert into payment_events (shop, gateway, event_key, reference, kind, amount_minor, currency,
        gateway_payment_id, payload, gateway_order_id, refund_id, gateway_refund_id,
        webhook_envelope, received_at)
    values (p_shop, p_gateway, p_event_key, p_reference, p_kind, p_amount_minor, p_currency,
        p_gateway_payment_id, p_payload, p_gateway_order_id, p_refund_id, p_gateway_refund_id,
        p_webhook_envelope, v_now)
    on conflict do nothing;
    if not found then
        select e.outcome into v_answer.o_outcome from payment_events e
        where e.shop = p_shop and e.gateway = p_gateway and e.event_key = p_event_key
            for no key update;  -- guard(a_payment_changes_stock_once)
        if v_answer.o_outcome <> 'parked' then
            v_answer.o_outcome := 'duplicate';
            return v_answer;
        end if;
    end if;

    if p_kind = 'other' then
        v_answer.o_outcome := 'recorded';
    else
        v_reference := payment_find(p_shop, p_gateway, p_kind, p_reference, p_gateway_order_id,
            p_gateway_payment_id, p_refund_id, p_gateway_refund_id);
        select o.order_id, o.checkout_id into v_answer.o_order_id, v_checkout_id
        from payments p join orders o on o.shop = p.shop and o.order_id = p.order_id
        where p.shop = p_shop and p.reference = v_reference;
        if not found and p_kind <> 'pending' then
            v_answer.o_outcome := 'parked';
            return v_answer;
        end if;
        v_reference := coalesce(v_reference, p_reference);
        perform from checkouts c where c.shop = p_shop and c.checkout_id = v_checkout_id
            for no key update;  -- guard(a_payment_changes_stock_once)
        perform from orders o where o.shop = p_shop and o.order_id = v_answer.o_order_id
            for no key update;  -- guard(a_payment_changes_stock_once)
        select * into v_payment from payments p
        where p.shop = p_shop and p.reference = v_reference
            for no key update;  -- guard(a_payment_changes_stock_once)
        -- race(a_payment_changes_stock_once): read, nothing written
        if p_kind = 'paid' then
            v_answer := payment_apply_paid(v_payment, v_checkout_id, p_gateway,
                p_gateway_payment_id, p_amount_minor, p_currency, p_reclaim);
            if v_answer.o_outcome in ('again', 'reclaim') then
                return v_answer;
            end if;
        elsif p_kind = 'disputed' then
            v_answer.o_outcome := payment_dispute(v_payment, p_gateway, p_gateway_payment_id,
                p_amount_minor, p_currency);
        elsif p_kind like 'refund\_%' then
            v_answer.o_outcome := refund_apply_event(p_shop, p_gateway, v_reference, p_kind,
                p_amount_minor, p_currency, p_gateway_payment_id, p_refund_id,
                p_gateway_refund_id);
        elsif p_kind = 'pending' then
            v_answer.o_outcome := 'recorded';
        elsif v_payment.status < p_kind::payment_status then
            -- the hold stays, because shoppers try again
            update payments p set status = p_kind::payment_status
            where p.shop = p_shop and p.reference = v_reference;
            v_answer.o_outcome := 'recorded';
        else
            v_answer.o_outcome := 'no_effect';
        end if;
        -- Somebody tries to pay. Whoever only leaves the gateway's page (`dropped`) does not.
        if p_kind in ('pending', 'failed') or p_kind = 'paid' and v_answer.o_outcome = 'review' then
            perform order_hold_longer(p_shop, v_answer.o_order_id);
        end if;
    end if;
    -- also the reference: the event's own may be missing or wrong
    update payment_events e
    set outcome = v_answer.o_outcome, resolved_at = v_now, reference = v_reference
    where e.shop = p_shop and e.gateway = p_gateway and e.event_key = p_event_key;
    return v_answer;
end;
$$;
