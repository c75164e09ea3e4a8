-- One attempt of order_create, in the caller's transaction: order_make in the customer's own
-- name.
create or replace function holdfast.order_create_attempt(
    p_shop text, p_checkout_id uuid, p_customer text, p_request_hash bytea, p_order_id uuid,
    p_reference text, p_method text, p_coupon text, p_address jsonb, p_address_id uuid,
    p_save_address boolean, p_reclaim boolean, p_gateway text default null,
    p_gateway_ready boolean default true) returns holdfast.order_answer
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    return order_make(p_shop, p_checkout_id, p_customer, p_request_hash, p_order_id,
        p_reference, p_method, p_coupon, p_address, p_address_id, p_save_address, null,
        p_reclaim, p_gateway, p_gateway_ready);
end;
$$;
