-- The reference of the payment that an event is about; null: unknown (yet).
-- - An event about money is found by the gateway's order, if this service made that. Otherwise it
--   is found by our reference, which may have come through the shopper's browser. Without a
--   reference it is found by the capture, which another event has reported.
-- - An event about a refund is found by the refund or by the capture.
-- - An event about a dispute is found by the capture, or as an event about money if it arrives
--   before its capture.
-- No locks.
create or replace function holdfast.payment_find(
    p_shop text, p_gateway text, p_kind text, p_reference text, p_gateway_order_id text,
    p_gateway_payment_id text, p_refund_id uuid, p_gateway_refund_id text) returns text
language plpgsql stable set search_path = holdfast, pg_temp as $$
declare
    v_reference text;
begin
    if p_kind like 'refund\_%' then
        select r.reference into v_reference from refunds r
        where r.shop = p_shop and r.refund_id = p_refund_id and r.gateway = p_gateway;
        if v_reference is null then
            select r.reference into v_reference from refunds r
            where r.shop = p_shop and r.gateway = p_gateway
                and r.gateway_refund_id = p_gateway_refund_id;
        end if;
    end if;
    if v_reference is null and (p_kind like 'refund\_%' or p_kind like 'dispute%') then
        select c.reference into v_reference from payment_captures c
        where c.shop = p_shop and c.gateway = p_gateway
            and c.gateway_payment_id = p_gateway_payment_id;
    end if;
    if v_reference is null and p_kind not like 'refund\_%' then
        v_reference := coalesce(
            (select g.reference from gateway_orders g
            where g.shop = p_shop and g.gateway = p_gateway
                and g.gateway_order_id = p_gateway_order_id),
            (select p.reference from payments p
            where p.shop = p_shop and p.reference = p_reference),
            (select c.reference from payment_captures c
            where c.shop = p_shop and c.gateway = p_gateway
                and c.gateway_payment_id = p_gateway_payment_id and p_reference is null));
    end if;
    return v_reference;
end;
$$;
