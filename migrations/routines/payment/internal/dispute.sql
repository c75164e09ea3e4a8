-- Records and announces, once, that a bank asks for a payment's money back. Nothing else changes:
-- the bank and people decide about the money. The caller has locked the payment. Outcomes:
-- recorded, no_effect (it was disputed before).
create or replace function holdfast.payment_dispute(
    p_payment holdfast.payments, p_gateway text, p_gateway_payment_id text, p_amount_minor bigint,
    p_currency text, out o_outcome text)
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
begin
    insert into outbox_messages (shop, topic, subject, body, created_at)
    values (p_payment.shop, 'payment.disputed',
        p_gateway || ':' || coalesce(p_gateway_payment_id, p_payment.reference),
        jsonb_build_object('order_id', p_payment.order_id, 'reference', p_payment.reference,
            'gateway', p_gateway, 'gateway_payment_id', p_gateway_payment_id,
            'amount_minor', p_amount_minor, 'currency', p_currency), v_now)
    on conflict do nothing;
    o_outcome := case when found then 'recorded' else 'no_effect' end;
    update payments p set disputed_at = v_now
    where p.shop = p_payment.shop and p.reference = p_payment.reference and p.disputed_at is null;
end;
$$;
