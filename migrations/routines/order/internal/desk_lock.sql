-- Locks an order for a change by staff, in the lock order: checkout, order, payment. The caller
-- names the order by its checkout's id or by its own id; the other one is null. o_found: false if
-- there is no such order.
create or replace function holdfast.order_desk_lock(
    p_shop text, p_checkout_id uuid, p_order_id uuid,
    out o_found boolean, out o_order holdfast.orders, out o_payment holdfast.payments)
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_checkout_id uuid := p_checkout_id;
begin
    if p_order_id is not null then
        select o.checkout_id into v_checkout_id from orders o
        where o.shop = p_shop and o.order_id = p_order_id;
    end if;
    perform from checkouts c where c.shop = p_shop and c.checkout_id = v_checkout_id
        for no key update;  -- guard(capture_never_refunded_beyond_its_amount)
    select * into o_order from orders o
    where o.shop = p_shop and o.checkout_id = v_checkout_id
        for no key update;  -- guard(capture_never_refunded_beyond_its_amount)
    o_found := found;
    if o_found then
        select * into strict o_payment from payments p
        where p.shop = p_shop and p.order_id = o_order.order_id
            for no key update;  -- guard(capture_never_refunded_beyond_its_amount)
    end if;
end;
$$;
