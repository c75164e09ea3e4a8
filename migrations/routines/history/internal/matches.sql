-- Finds checkouts, orders and payments by any of their ids (history_find), by customer, by
-- telephone number (six digits or more; the last ten count) or by the beginning of a name (three
-- characters or more). Each is found once, newest first. Also finds payment events that belong to
-- no order here. At most p_limit checkouts (o_truncated: there were more) and p_rows events.
-- The search by customer finds checkouts without an order only among the p_scan that end next and
-- the p_scan that ended last: an index for them would make every hold slower. No locks.
create or replace function holdfast.history_matches(
    p_shop text, p_q text, p_id uuid, p_limit integer, p_rows integer, p_scan integer,
    out o_ids uuid[], out o_unmatched_events jsonb, out o_truncated boolean)
language plpgsql stable set search_path = holdfast, pg_temp as $$
declare
    v_found uuid[] := array(select history_find(p_shop, p_q, p_id, p_rows));
    -- the functions of the indexes; null finds nothing
    v_phone text := case when p_q !~ '[A-Za-z]' then order_phone(p_q, '', null) end;
    v_name text := case when length(p_q) >= 3 then order_name(p_q, '', null) end;
begin
    with candidates as (
        select f.id as checkout_id from unnest(v_found) f (id)
        union
        (select o.checkout_id from orders o where o.shop = p_shop and o.customer = p_q
        order by o.created_at desc limit p_limit + 1)
        union
        (select o.checkout_id from orders o
        where o.shop = p_shop and order_phone(o.customer, o.placed_by, o.address) = v_phone
        order by o.created_at desc limit p_limit + 1)
        union
        (select o.checkout_id from orders o
        where o.shop = p_shop and order_name(o.customer, o.placed_by, o.address) >= v_name
            and order_name(o.customer, o.placed_by, o.address) < v_name || U&'\+10FFFF'
        order by order_name(o.customer, o.placed_by, o.address) limit p_limit + 1)
        union
        select c.checkout_id from (
            select * from checkouts c where c.shop = p_shop and c.ended_at is null
            order by c.expires_at limit p_scan) c
        where c.customer = p_q
        union
        select c.checkout_id from (
            select * from checkouts c where c.shop = p_shop and c.ended_at is not null
            order by c.ended_at desc limit p_scan) c
        where c.customer = p_q)
    select array_agg(newest.checkout_id) into o_ids
    from (
        select c.checkout_id from candidates k
            join checkouts c on c.shop = p_shop and c.checkout_id = k.checkout_id
        order by c.created_at desc, c.checkout_id limit p_limit + 1) newest;
    o_truncated := coalesce(cardinality(o_ids), 0) > p_limit;
    o_ids := o_ids[1:p_limit];
    select coalesce(jsonb_agg(event_describe(e) order by e.received_at, e.event_key), '[]')
    into o_unmatched_events
    from (
        select * from (
            select * from payment_events e where e.shop = p_shop and e.reference = p_q
            union
            select * from payment_events e where e.shop = p_shop and e.gateway_payment_id = p_q
            union
            select * from payment_events e where e.shop = p_shop and e.other_payment_id = p_q
            union
            select * from payment_events e where e.shop = p_shop and e.gateway_order_id = p_q
            union
            select * from payment_events e where e.shop = p_shop and e.gateway_refund_id = p_q
            union
            select * from payment_events e where e.shop = p_shop and e.dispute_id = p_q) e
        where not exists (
            select from payments p where p.shop = p_shop and p.reference = e.reference)
        order by e.received_at desc limit p_rows) e;
end;
$$;
