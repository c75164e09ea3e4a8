-- Gives the coupon's use of an order back if the order is over: it is cancelled, all of its money
-- goes back, or all of its goods have come back. A use is given back once. It stays given back if a
-- refund bounces afterwards, because another order may have it by then. The caller has locked the
-- order. Locks: the coupon, then the customer's count of it.
create or replace function holdfast.coupon_give_back(p_shop text, p_order_id uuid) returns void
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_order orders%rowtype;
begin
    update orders o set coupon_use = 'released'
    where o.shop = p_shop and o.order_id = p_order_id and o.coupon_use = 'consumed'
        and (o.status in ('cancelled', 'refund_due', 'refunded')
            or not exists (
                select from order_lines l
                where l.shop = p_shop and l.order_id = p_order_id and l.returned < l.quantity))
    returning * into v_order;
    if found then
        perform coupon_count(p_shop, v_order.coupon_code, v_order.customer_key, 0, -1);
    end if;
end;
$$;
