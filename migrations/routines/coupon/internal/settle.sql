-- Gives the coupon's use of an order back if the order is over: it is cancelled, all of its money
-- goes back, or all of its goods have come back. If a refund bounces afterwards, the order has a
-- use again, unless another order has the last one by then. The caller has locked the order. Locks:
-- the coupon, then the customer's count of it.
create or replace function holdfast.coupon_settle(p_shop text, p_order_id uuid) returns void
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_order orders%rowtype;
    v_over boolean;
begin
    select * into strict v_order from orders o where o.shop = p_shop and o.order_id = p_order_id;
    if v_order.coupon_use not in ('consumed', 'released') or v_order.paid_at is null then
        return;
    end if;
    v_over := v_order.status in ('cancelled', 'refund_due', 'refunded')
        or not exists (
            select from order_lines l
            where l.shop = p_shop and l.order_id = p_order_id and l.returned < l.quantity);
    if v_over = (v_order.coupon_use = 'released') then
        return;
    end if;
    perform coupon_count(p_shop, v_order.coupon_code, v_order.customer_key, 0,
        case when v_over then -1 else 1 end);
    update orders o set coupon_use = case when v_over then 'released' else 'consumed' end
    where o.shop = p_shop and o.order_id = p_order_id;
exception when check_violation then
    -- the use is another order's by now
    return;
end;
$$;
