-- The open order of a payment at a gateway, as JSON. Null: there is none, or it has expired there.
-- No locks.
create or replace function holdfast.gateway_order_read(
    p_shop text, p_reference text, p_gateway text) returns jsonb
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    return (
        select gateway_order_describe(g)
        from (
            select * from gateway_orders o
            where o.shop = p_shop and o.reference = p_reference and o.gateway = p_gateway
                and o.closed_at is null and coalesce(o.expires_at > clock_timestamp(), true)) g);
end;
$$;
