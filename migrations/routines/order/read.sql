-- Reads the order of a checkout, as JSON. Null: there is none, or it belongs to another customer
-- than p_customer (null: the id is the capability). Locks: the order FOR KEY SHARE (see
-- checkout_describe).
create or replace function holdfast.order_read(p_shop text, p_checkout_id uuid, p_customer text)
    returns jsonb
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_order_id uuid;
begin
    select o.order_id into v_order_id from orders o
    where o.shop = p_shop and o.checkout_id = p_checkout_id
        and (p_customer is null or o.customer = p_customer);
    return case when v_order_id is not null then order_describe(p_shop, v_order_id) end;
end;
$$;
