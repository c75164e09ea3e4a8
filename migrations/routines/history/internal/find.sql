-- The checkouts that an id leads to: an id of ours (p_id, or the payment's reference), or any id
-- that a gateway shows for its order, payment, charge, refund or dispute. At most p_rows per kind
-- of id. Each kind has an index. No locks.
create or replace function holdfast.history_find(
    p_shop text, p_q text, p_id uuid, p_rows integer) returns setof uuid
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return query
    with known as (
        select p_q as reference
        union
        (select p.reference from payments p
        where p.shop = p_shop and p.gateway_payment_id = p_q limit p_rows)
        union
        (select e.reference from payment_events e
        where e.shop = p_shop and e.gateway_payment_id = p_q limit p_rows)
        union
        (select e.reference from payment_events e
        where e.shop = p_shop and e.other_payment_id = p_q limit p_rows)
        union
        (select e.reference from payment_events e
        where e.shop = p_shop and e.gateway_order_id = p_q limit p_rows)
        union
        (select e.reference from payment_events e
        where e.shop = p_shop and e.gateway_refund_id = p_q limit p_rows)
        union
        (select e.reference from payment_events e
        where e.shop = p_shop and e.dispute_id = p_q limit p_rows)
        union
        (select g.reference from gateway_orders g
        where g.shop = p_shop and g.gateway_order_id = p_q limit p_rows)
        union
        (select g.reference from gateway_orders g
        where g.shop = p_shop and g.other_order_id = p_q limit p_rows)
        union
        (select r.reference from refunds r
        where r.shop = p_shop and r.gateway_refund_id = p_q limit p_rows)
        union
        select r.reference from refunds r where r.shop = p_shop and r.refund_id = p_id
        union
        (select r.reference from refunds r
        where r.shop = p_shop and r.request_id = p_id limit p_rows)
        union
        (select d.reference from disputes d
        where d.shop = p_shop and d.dispute_id = p_q limit p_rows))
    select c.checkout_id from checkouts c where c.shop = p_shop and c.checkout_id = p_id
    union
    select o.checkout_id from orders o where o.shop = p_shop and o.order_id = p_id
    union
    select o.checkout_id from known k
        join payments p on p.shop = p_shop and p.reference = k.reference
        join orders o on o.shop = p.shop and o.order_id = p.order_id;
end;
$$;
