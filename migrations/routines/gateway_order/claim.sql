-- Claims the open gateway orders of a checkout that has ended, so that its shopper can no longer
-- pay them. The caller closes each one at the gateway, and then calls gateway_order_close. If it
-- does not, gateway_order_due claims it a minute later. Locks: the gateway orders (SKIP LOCKED).
create or replace function holdfast.gateway_order_claim(
    p_shop text, p_checkout_id uuid,
    out o_gateway text, out o_gateway_order_id text, out o_reference text)
returns setof record
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
begin
    return query
    -- materialized: a join would repeat the subquery
    with ended as materialized (
        select s.gateway, s.gateway_order_id
        from checkouts c
            join orders o on o.shop = c.shop and o.checkout_id = c.checkout_id
            join payments p on p.shop = o.shop and p.order_id = o.order_id
            join gateway_orders s on s.shop = p.shop and s.reference = p.reference
        where c.shop = p_shop and c.checkout_id = p_checkout_id and c.ended_at is not null
            and s.closed_at is null and coalesce(s.expires_at > v_now, true)
            and coalesce(s.close_tried_at < v_now - interval '1 minute', true)
        for no key update of s skip locked)
    update gateway_orders g set close_tried_at = v_now
    from ended
    where g.shop = p_shop and g.gateway = ended.gateway
        and g.gateway_order_id = ended.gateway_order_id
    returning g.gateway, g.gateway_order_id, g.reference;
end;
$$;
