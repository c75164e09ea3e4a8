-- Sets an order's status by its captures and refunds. `refund_due`: all of its money must go back;
-- `refunded`: all of it has gone back. If the money of an order in review has gone back, the order
-- gets the status that it would have without that money. Stock does not change. The caller has
-- locked checkout, order and payment. Locks: the coupon, if its use comes back.
create or replace function holdfast.order_refund_status(p_shop text, p_order_id uuid) returns void
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_order record;
    v_counted boolean;
    v_left boolean;
    v_any_left boolean;
    v_under_way boolean;
    v_status text;
begin
    select o.status, o.paid_at, c.status as checkout, p.status as payment, p.reference
    into strict v_order
    from orders o join payments p on p.shop = o.shop and p.order_id = o.order_id
        join checkouts c on c.shop = o.shop and c.checkout_id = o.checkout_id
    where o.shop = p_shop and o.order_id = p_order_id;
    select bool_or(c.counts or c.accepted),
        bool_or((c.counts or c.accepted) and c.amount_minor > c.refunded_minor),
        -- no routine gives back a capture without an amount, so some of it is left
        bool_or(c.amount_minor is null or c.amount_minor > c.refunded_minor)
    into v_counted, v_left, v_any_left
    from payment_captures c where c.shop = p_shop and c.reference = v_order.reference;
    v_under_way := exists (
        select from refunds r
        where r.shop = p_shop and r.order_id = p_order_id and not r.void
            and r.status <> 'settled');
    v_status := case
        when v_order.status in ('paid', 'refund_due', 'refunded') and v_counted then
            case when v_left and v_order.paid_at is not null then 'paid'
                when v_left or v_under_way then 'refund_due' else 'refunded' end
        when v_order.status = 'review' and v_order.payment <> 'paid' and not v_any_left
            and not v_under_way
        then case v_order.checkout when 'ordered' then 'awaiting_payment'
                when 'released' then 'cancelled' else 'expired' end
        else v_order.status
    end;
    if v_status <> v_order.status then
        update orders o set status = v_status
        where o.shop = p_shop and o.order_id = p_order_id;
        perform coupon_settle(p_shop, p_order_id);
    end if;
end;
$$;
