-- Holds the stock of an order for the shop's whole order_hold_s since the order was made, because
-- its gateway has reported a try to pay. Does nothing if the order has that hold already, or if its
-- hold has ended. The caller has locked the checkout.
create or replace function holdfast.order_hold_longer(p_shop text, p_order_id uuid) returns void
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_order record;
    v_expires_at timestamptz;
    v_held record;
begin
    select o.checkout_id, o.created_at, s.order_hold_s into v_order
    from orders o join shops s on s.shop = o.shop
    where o.shop = p_shop and o.order_id = p_order_id;
    v_expires_at := v_order.created_at + make_interval(secs => v_order.order_hold_s);
    update checkouts c set expires_at = v_expires_at
    where c.shop = p_shop and c.checkout_id = v_order.checkout_id and c.status = 'ordered'
        and c.expires_at > v_now and c.expires_at < v_expires_at
    returning c.checkout_id, c.generation into v_held;
    if found then
        update holds h set expires_at = v_expires_at
        where h.shop = p_shop and h.checkout_id = v_held.checkout_id
            and h.generation = v_held.generation
            and coalesce(h.resolved_at, 'infinity') = 'infinity';
    end if;
end;
$$;
