-- A gateway's order as JSON, with the data that the storefront needs to take the payment.
create or replace function holdfast.gateway_order_describe(p_order holdfast.gateway_orders)
    returns jsonb
language sql immutable set search_path = holdfast, pg_temp as $$
    select to_jsonb(p_order) - '{shop,close_tried_at}'::text[]
$$;
