-- Claims up to p_limit open gateway orders of one shop that must be closed at their gateway,
-- because nobody may pay them any more. Their order is paid, cancelled or over, or its hold ends
-- within p_before_s seconds. The caller closes each one at the gateway, and then calls
-- gateway_order_close. Otherwise it is claimed again a minute later. An order that has expired at
-- the gateway is closed here at once. Locks: the gateway orders (SKIP LOCKED).
create or replace function holdfast.gateway_order_due(
    p_shop text, p_limit integer, p_before_s integer,
    out o_gateway text, out o_gateway_order_id text, out o_reference text)
returns setof record
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
begin
    -- materialized: a join would repeat the subquery, and each time it would take other rows
    with past as materialized (
        select s.gateway, s.gateway_order_id from gateway_orders s
        where s.shop = p_shop and s.closed_at is null and s.expires_at <= v_now
        order by s.created_at limit p_limit for no key update skip locked)
    update gateway_orders g set closed_at = v_now
    from past
    where g.shop = p_shop and g.gateway = past.gateway
        and g.gateway_order_id = past.gateway_order_id;
    return query
        with due as materialized (
            select s.gateway, s.gateway_order_id
            from gateway_orders s
                join payments p on p.shop = s.shop and p.reference = s.reference
                join orders o on o.shop = p.shop and o.order_id = p.order_id
                join checkouts c on c.shop = o.shop and c.checkout_id = o.checkout_id
            where s.shop = p_shop and s.closed_at is null
                and coalesce(s.close_tried_at < v_now - interval '1 minute', true)
                and (p.status = 'paid' or o.status not in ('awaiting_payment', 'review')
                    or c.expires_at <= v_now + make_interval(secs => p_before_s))
            order by s.created_at limit p_limit
            for no key update of s skip locked)
        update gateway_orders g set close_tried_at = v_now
        from due
        where g.shop = p_shop and g.gateway = due.gateway
            and g.gateway_order_id = due.gateway_order_id
        returning g.gateway, g.gateway_order_id, g.reference;
end;
$$;
