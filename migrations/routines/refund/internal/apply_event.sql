-- Applies a gateway's event about a refund. The caller has locked checkout, order and payment of
-- p_reference. The event is about:
-- - the refund with our id, or with the gateway's id;
-- - otherwise, if the event has no id of ours (a person made the refund in the gateway's dashboard)
--   and reports no failure: a refund of the same amount of the same capture that failed, or that is
--   owed and was never sent. So nobody is paid back twice;
-- - otherwise a refund that was made at the gateway. It is recorded as such.
-- Outcomes: recorded; no_effect (the refund has this status or a later one already); review
-- (another amount than ours, or more than is left of the capture: announced). Goods do not change.
-- Locks: the refund, then the capture.
create or replace function holdfast.refund_apply_event(
    p_shop text, p_gateway text, p_reference text, p_kind text, p_amount_minor bigint,
    p_currency text, p_gateway_payment_id text, p_refund_id uuid, p_gateway_refund_id text,
    out o_outcome text)
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_to text := substr(p_kind, length('refund_') + 1);
    v_capture payment_captures%rowtype;
    v_refund refunds%rowtype;
begin
    select * into v_refund from refunds r
    where r.shop = p_shop and r.gateway = p_gateway and r.reference = p_reference
        and (r.refund_id = p_refund_id or r.gateway_refund_id = p_gateway_refund_id)
    order by r.refund_id is not distinct from p_refund_id desc limit 1
        for no key update;
    if not found then
        select * into v_capture from payment_captures c
        where c.shop = p_shop and c.gateway = p_gateway
            and c.gateway_payment_id = p_gateway_payment_id;
        select * into v_refund from refunds r
        where r.shop = p_shop and r.gateway = p_gateway
            and r.gateway_payment_id = p_gateway_payment_id and r.amount_minor = p_amount_minor
            and r.currency = p_currency and not r.void and p_refund_id is null
            and v_to <> 'failed'
            and (r.status = 'failed' or r.status = 'owed' and r.attempts = 0)
        order by r.created_at, r.refund_id limit 1 for no key update;
        if found and v_refund.bounced then
            -- despite a dispute: the gateway has made it already
            v_refund := refund_replace(v_refund, 'holdfast', true);
        end if;
    end if;
    if v_refund.refund_id is null and v_capture.currency = p_currency then
        v_refund := refund_record_external(
            v_capture, p_amount_minor, p_gateway_refund_id, v_to = 'failed');
    end if;
    if v_refund.refund_id is null or v_refund.amount_minor <> p_amount_minor
        or v_refund.currency <> p_currency
    then
        o_outcome := 'review';
        insert into outbox_messages (shop, topic, subject, body, created_at)
        values (p_shop, 'payment.review',
            -- as promises_events names the payment
            format('%s:%s:%s', p_gateway, coalesce(p_gateway_payment_id, p_reference),
                coalesce(p_gateway_refund_id, p_refund_id::text)),
            jsonb_build_object('reference', p_reference, 'gateway', p_gateway,
                'gateway_payment_id', p_gateway_payment_id, 'refund_id', v_refund.refund_id,
                'gateway_refund_id', p_gateway_refund_id, 'amount_minor', p_amount_minor,
                'currency', p_currency, 'expected_minor', v_refund.amount_minor,
                'expected_currency', v_refund.currency), clock_timestamp())
        on conflict do nothing;
    else
        o_outcome := refund_move(v_refund, v_to, p_gateway_refund_id, v_to = 'failed',
            case v_to when 'failed' then 'the gateway says that it failed' end);
    end if;
end;
$$;
