-- Reads a checkout. No row: there is none, or it belongs to another customer than p_customer (null:
-- the id is the capability). Locks: the checkout FOR KEY SHARE (see checkout_describe).
create or replace function holdfast.checkout_read(
    p_shop text, p_checkout_id uuid, p_customer text) returns setof holdfast.checkout_view
language sql security definer set search_path = holdfast, pg_temp as $$
    select * from checkout_describe(p_shop, p_checkout_id, p_customer)
$$;
