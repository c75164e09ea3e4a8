-- Reads the order of a checkout, as JSON. Null: there is none, or it belongs to another customer
-- than p_customer (null: the id is the capability). Locks: the order FOR KEY SHARE (see
-- checkout_describe).
create or replace function holdfast.order_read(p_shop text, p_checkout_id uuid, p_customer text)
    returns jsonb
language sql security definer set search_path = holdfast, pg_temp as $$
    select order_describe(o.shop, o.order_id) from orders o
    where o.shop = p_shop and o.checkout_id = p_checkout_id
        and (p_customer is null or o.customer = p_customer)
$$;
