-- Stores the order or session that a gateway made for a payment, with the data that the storefront
-- needs (p_data) and, if the gateway has two ids for it, the other one (p_other_order_id).
-- p_expires_in_s: when it expires at the gateway; null: never, or unknown. A payment has at most
-- one open order at a gateway. Outcomes, "it" being the given order:
-- - put;
-- - same (it is stored already, and open);
-- - exists (another one is open, o_gateway_order: use that one and close yours);
-- - ended (it is closed or has expired, or the payment's order is paid or has ended: close yours);
-- - not_found (no such payment);
-- - conflict (it belongs to another payment).
-- Locks: the payment, the gateway's order.
create or replace function holdfast.gateway_order_put(
    p_shop text, p_reference text, p_gateway text, p_gateway_order_id text, p_data jsonb,
    p_expires_in_s integer, p_other_order_id text default null,
    out o_outcome text, out o_gateway_order jsonb)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_expires_at timestamptz := v_now + make_interval(secs => p_expires_in_s);
    v_order_status text;
    v_known gateway_orders%rowtype;
begin
    -- the order is not locked: money that arrives for an ended order is a late payment
    select o.status into v_order_status
    from payments p join orders o on o.shop = p.shop and o.order_id = p.order_id
    where p.shop = p_shop and p.reference = p_reference for no key update of p;
    if not found then
        o_outcome := 'not_found';
        return;
    end if;
    select * into v_known from gateway_orders g
    where g.shop = p_shop and g.gateway = p_gateway and g.gateway_order_id = p_gateway_order_id
        for no key update;
    if found then
        o_outcome := case when v_known.reference <> p_reference then 'conflict'
            when v_known.closed_at is not null or v_known.expires_at <= v_now then 'ended'
            else 'same' end;
        o_gateway_order := case o_outcome when 'same' then gateway_order_describe(v_known) end;
        return;
    end if;
    if v_order_status not in ('awaiting_payment', 'review') then
        o_outcome := 'ended';
        return;
    end if;
    update gateway_orders g set closed_at = v_now
    where g.shop = p_shop and g.reference = p_reference and g.gateway = p_gateway
        and g.closed_at is null and g.expires_at <= v_now;
    select * into v_known from gateway_orders g
    where g.shop = p_shop and g.reference = p_reference and g.gateway = p_gateway
        and g.closed_at is null;
    o_outcome := case when found then 'exists' else 'put' end;
    if o_outcome = 'put' then
        insert into gateway_orders (shop, gateway, gateway_order_id, other_order_id, reference,
            data, expires_at, created_at)
        values (p_shop, p_gateway, p_gateway_order_id, p_other_order_id, p_reference, p_data,
            v_expires_at, v_now)
        returning * into v_known;
    end if;
    o_gateway_order := gateway_order_describe(v_known);
end;
$$;
