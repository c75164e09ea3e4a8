-- The open order of a payment at a gateway, as JSON. Null: there is none, or it has expired there.
-- No locks.
create or replace function holdfast.gateway_order_read(
    p_shop text, p_reference text, p_gateway text) returns jsonb
language sql stable security definer set search_path = holdfast, pg_temp as $$
    select gateway_order_describe(g) from gateway_orders g
    where g.shop = p_shop and g.reference = p_reference and g.gateway = p_gateway
        and g.closed_at is null and coalesce(g.expires_at > clock_timestamp(), true)
$$;
