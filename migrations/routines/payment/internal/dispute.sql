-- Records what a gateway says about a dispute of a payment, and announces it. The bank and people
-- decide about the money, so the order stays as it is. But a refund of this money that may not have
-- been made yet waits for a person: the bank may take the same money. p_kind: `disputed` (opened,
-- or under way), `dispute_won`, `dispute_lost`, `dispute_closed`. Events come in any order: a
-- dispute goes on to a later stage, or ends within its stage, and never back. The caller has locked
-- the payment. Outcomes: recorded, no_effect (this is known, or older than what is known). Locks:
-- the dispute, refunds.
create or replace function holdfast.payment_dispute(
    p_payment holdfast.payments, p_gateway text, p_kind text, p_dispute_id text, p_stage text,
    p_gateway_payment_id text, p_amount_minor bigint, p_currency text, out o_outcome text)
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_stages text[] := '{inquiry,dispute,chargeback,pre_arbitration,arbitration}';
    v_statuses text[] := '{open,closed,won,lost}';
    v_status text := case p_kind when 'disputed' then 'open' else substr(p_kind, 9) end;
    v_known disputes%rowtype;
    v_dispute disputes%rowtype;
begin
    insert into disputes (shop, gateway, dispute_id, reference, gateway_payment_id, amount_minor,
        currency, stage, status, opened_at, ended_at)
    values (p_payment.shop, p_gateway,
        coalesce(p_dispute_id, p_gateway_payment_id, p_payment.reference), p_payment.reference,
        p_gateway_payment_id, p_amount_minor, p_currency, coalesce(p_stage, 'chargeback'), v_status,
        v_now, case when v_status <> 'open' then v_now end)
    on conflict do nothing
    returning * into v_dispute;
    o_outcome := case when found then 'recorded' else 'no_effect' end;
    if o_outcome = 'no_effect' then
        select * into strict v_known from disputes d
        where d.shop = p_payment.shop and d.gateway = p_gateway
            and d.dispute_id = coalesce(p_dispute_id, p_gateway_payment_id, p_payment.reference)
            for no key update;
        update disputes d
        set stage = coalesce(p_stage, d.stage), status = v_status,
            gateway_payment_id = coalesce(d.gateway_payment_id, p_gateway_payment_id),
            amount_minor = coalesce(p_amount_minor, d.amount_minor),
            currency = coalesce(p_currency, d.currency),
            ended_at = case when v_status <> 'open' then v_now end
        where d.shop = v_known.shop and d.gateway = p_gateway
            and d.dispute_id = v_known.dispute_id and d.reference = p_payment.reference
            and (array_position(v_stages, coalesce(p_stage, d.stage)),
                    array_position(v_statuses, v_status))
                > (array_position(v_stages, d.stage), array_position(v_statuses, d.status))
        returning * into v_dispute;
        if not found then
            return;
        end if;
        o_outcome := 'recorded';
    end if;
    insert into outbox_messages (shop, topic, subject, body, created_at)
    values (p_payment.shop,
        case when v_status = 'open' then 'payment.disputed' else 'payment.dispute_ended' end,
        -- a dispute can end more than once within a stage: closed, then lost
        format('%s:%s:%s:%s:%s', p_gateway,
            coalesce(v_dispute.gateway_payment_id, p_payment.reference), v_dispute.dispute_id,
            v_dispute.stage, v_dispute.status),
        jsonb_build_object('order_id', p_payment.order_id, 'reference', p_payment.reference,
            'gateway', p_gateway, 'gateway_payment_id', v_dispute.gateway_payment_id,
            'dispute_id', v_dispute.dispute_id, 'stage', v_dispute.stage,
            'status', v_dispute.status, 'amount_minor', v_dispute.amount_minor,
            'currency', v_dispute.currency), v_now)
    on conflict do nothing;
    perform refund_stop_disputed(p_payment.shop, p_payment.order_id);
end;
$$;
