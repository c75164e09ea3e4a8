-- Records that a gateway's order is closed there, so nobody can pay it any more. Outcomes: closed
-- (by this call or before), not_found. Locks: the gateway's order.
create or replace function holdfast.gateway_order_close(
    p_shop text, p_gateway text, p_gateway_order_id text, out o_outcome text)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
begin
    update gateway_orders g set closed_at = coalesce(g.closed_at, v_now)
    where g.shop = p_shop and g.gateway = p_gateway and g.gateway_order_id = p_gateway_order_id;
    o_outcome := case when found then 'closed' else 'not_found' end;
end;
$$;
