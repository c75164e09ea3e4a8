-- Checks every promise that rows can show, over one shop (null: all shops), in one snapshot.
-- Returns one row per violation, with the rows that show it; no row means that every promise holds.
-- Reads the whole shop. No locks.
create or replace function holdfast.promises_check(p_shop text)
    returns table (promise text, shop text, violation jsonb)
-- the check reads whole tables, but the functions' roles turn sequential scans off
language sql stable security definer set search_path = holdfast, pg_temp set enable_seqscan = on
as $$
    with
    level as (select * from stock_levels l where p_shop is null or l.shop = p_shop),
    active as (
        select h.shop, h.sku, sum(h.quantity) as units from holds h
        where h.status = 'active' and (p_shop is null or h.shop = p_shop) group by 1, 2),
    moved as (
        select m.shop, m.sku, sum(m.delta) as units from stock_movements m
        where p_shop is null or m.shop = p_shop group by 1, 2),
    ordered as (
        select o.shop, o.order_id, o.checkout_id, o.status, o.coupon_code, o.coupon_use,
            o.total_minor, o.paid_at, o.version,
            p.reference, p.status as payment_status, p.amount_minor, p.method
        from orders o left join payments p on p.shop = o.shop and p.order_id = o.order_id
        where p_shop is null or o.shop = p_shop),
    line as (
        select l.shop, l.order_id, l.sku, l.quantity, l.returned, o.reference, o.status,
            o.checkout_id,
            -- paid_at is set when the stock was deducted; a later cancellation gave it back
            case when o.paid_at is not null and o.status <> 'cancelled'
                then l.quantity - l.returned else 0 end as expected
        from order_lines l join ordered o on o.shop = l.shop and o.order_id = l.order_id),
    sold as (
        select m.shop, m.reference, m.sku, -sum(m.delta) as net,
            coalesce(-sum(m.delta) filter (where m.reason = 'sold'), 0) as units,
            count(*) filter (where m.reason = 'sold') as times
        from stock_movements m
        where m.reason in ('sold', 'returned') and (p_shop is null or m.shop = p_shop)
        group by 1, 2, 3)

    select 'never_oversold', l.shop, to_jsonb(l) from level l
        where not (0 <= l.held and l.held <= l.on_hand)
    union all
    select 'held_equals_active_holds', coalesce(l.shop, a.shop),
        jsonb_build_object('sku', coalesce(l.sku, a.sku), 'held', l.held, 'active_holds', a.units)
    from level l full join active a on a.shop = l.shop and a.sku = l.sku
    where coalesce(l.held, 0) <> coalesce(a.units, 0)
    union all
    select 'on_hand_equals_movements', coalesce(l.shop, m.shop),
        jsonb_build_object('sku', coalesce(l.sku, m.sku), 'on_hand', l.on_hand, 'movements',
            m.units)
    from level l full join moved m on m.shop = l.shop and m.sku = l.sku
    where coalesce(l.on_hand, 0) <> coalesce(m.units, 0)
    union all
    select 'a_hold_resolves_once', h.shop, to_jsonb(h) || jsonb_build_object('checkout_status',
        c.status)
    from holds h left join checkouts c on c.shop = h.shop and c.checkout_id = h.checkout_id
    where (p_shop is null or h.shop = p_shop)
        and (c.checkout_id is null
            or (h.status = 'active')
                <> (c.status in ('open', 'ordered') and h.generation = c.generation)
            or (h.status = 'active' and h.expires_at <> c.expires_at)
            or (h.status = 'consumed' and c.status <> 'paid'))
    union all
    select 'a_cart_is_all_or_nothing', c.shop, to_jsonb(c)
    from checkouts c
    where (p_shop is null or c.shop = p_shop) and c.status in ('open', 'ordered')
        and not exists (
            select from holds h
            where h.shop = c.shop and h.checkout_id = c.checkout_id and h.generation = c.generation
                and h.status = 'active')
    union all
    select 'a_cart_is_all_or_nothing', l.shop, to_jsonb(l)
    from line l join checkouts c on c.shop = l.shop and c.checkout_id = l.checkout_id
    where c.status = 'ordered'
        and l.quantity is distinct from (
            select h.quantity from holds h
            where h.shop = l.shop and h.checkout_id = l.checkout_id and h.generation = c.generation
                and h.sku = l.sku
                and h.status = 'active')
    union all
    select 'a_payment_changes_stock_once', coalesce(l.shop, s.shop),
        jsonb_build_object('reference', coalesce(l.reference, s.reference), 'sku',
            coalesce(l.sku, s.sku), 'ordered', l.quantity, 'returned', l.returned,
            'order_status', l.status, 'sold', s.units, 'times', s.times, 'net', s.net)
    from line l full join sold s on s.shop = l.shop and s.reference = l.reference and s.sku = l.sku
        left join ordered o on o.shop = s.shop and o.reference = s.reference
    where case
        -- a return without an order is a clerk's own entry
        when l.shop is null and o.shop is null then s.times > 0
        else coalesce(s.net, 0) <> coalesce(l.expected, 0)
            -- The net alone is not enough: units that were sold twice and returned once have the
            -- right net. An online order is deducted once and whole. A booking is deducted at most
            -- once more per change.
            or (o.method = 'online' and (s.times > 1 or s.units <> case
                when o.paid_at is null then 0 else coalesce(l.quantity, 0) end))
            or s.times > o.version
        end
    union all
    select 'no_payment_is_lost', o.shop, to_jsonb(o)
    from ordered o
    where o.reference is null or o.amount_minor <> o.total_minor
        or (o.payment_status = 'paid')
            <> (o.status in ('paid', 'refund_due', 'refunded')
                -- a booking that is cancelled stays paid: the desk gives the money back. A free
                -- order costs nothing
                or (o.status = 'cancelled' and (o.method = 'offline' or o.total_minor = 0)))
        or (o.status = 'paid' and not exists (
            select from outbox_messages b
            where b.shop = o.shop and b.topic = 'order.paid' and b.subject = o.order_id::text))
    union all
    select 'no_payment_is_lost', e.shop, to_jsonb(e) - 'payload'
    from payment_events e
    where (p_shop is null or e.shop = p_shop)
        and e.outcome in ('completed', 'completed_late', 'refund_due', 'excess', 'review')
        and (case
            when e.outcome = 'review' then not exists (
                select from outbox_messages b
                where b.shop = e.shop and b.topic = 'payment.review'
                    and starts_with(b.subject || ':',
                        e.gateway || ':' || coalesce(e.gateway_payment_id, e.reference) || ':'))
            when e.outcome in ('refund_due', 'excess') then not exists (
                select from outbox_messages b
                where b.shop = e.shop and b.topic = 'order.refund_due'
                    and b.subject = e.gateway || ':'
                        || coalesce(e.gateway_payment_id, e.reference))
            else false end
            or e.kind = 'paid' and not exists (
                select from payment_captures c
                where c.shop = e.shop and c.gateway = e.gateway
                    and c.gateway_payment_id = coalesce(e.gateway_payment_id, e.reference)))
    union all
    -- every capture is in a completed order, goes back, or waits for a person who was alerted
    select 'no_payment_is_lost', o.shop, to_jsonb(o) || jsonb_build_object(
        'captured_minor', m.captured, 'left_minor', m.left_over, 'excess_minor', m.excess,
        'under_way', m.under_way)
    from ordered o
        left join lateral (
            select coalesce(sum(c.amount_minor), 0) as captured,
                coalesce(sum(c.amount_minor - c.refunded_minor), 0) as left_over,
                (select coalesce(sum(r.amount_minor), 0) from refunds r
                where r.shop = o.shop and r.order_id = o.order_id and r.reason = 'excess'
                    and not r.void) as excess,
                exists (select from refunds r
                where r.shop = o.shop and r.order_id = o.order_id and not r.void
                    and r.status <> 'settled') as under_way
            from payment_captures c
            where c.shop = o.shop and c.reference = o.reference and c.counts) m on true
    where o.method = 'online' and o.total_minor > 0
        and (o.status = 'paid'
                and (m.captured - m.excess < o.total_minor or m.left_over > o.total_minor)
            or o.status in ('refund_due', 'refunded')
                and (m.captured = 0 or m.left_over > 0
                    or (o.status = 'refunded') = m.under_way)
            or o.payment_status <> 'paid' and m.left_over > 0 and o.status <> 'review'
            or o.payment_status <> 'paid' and m.left_over >= o.total_minor)
    union all
    select 'no_payment_is_lost', c.shop, to_jsonb(c)
    from payment_captures c
    where (p_shop is null or c.shop = p_shop) and not c.counts
        and coalesce(c.amount_minor > c.refunded_minor, true)
        and not exists (
            select from outbox_messages b
            where b.shop = c.shop and b.topic = 'payment.review'
                and b.subject = c.gateway || ':' || c.gateway_payment_id)
    union all
    select 'refunds_never_exceed_captures', c.shop, to_jsonb(c)
        || jsonb_build_object('refunds_minor', r.units)
    from payment_captures c
        left join (
            select r.shop, r.gateway, r.gateway_payment_id, sum(r.amount_minor) as units
            from refunds r where not r.void and (p_shop is null or r.shop = p_shop)
            group by 1, 2, 3) r
        on r.shop = c.shop and r.gateway = c.gateway
            and r.gateway_payment_id = c.gateway_payment_id
    where (p_shop is null or c.shop = p_shop)
        and (c.refunded_minor <> coalesce(r.units, 0)
            or c.refunded_minor > coalesce(c.amount_minor, 0))
    union all
    select 'refunds_never_exceed_captures', r.shop, to_jsonb(r) - 'request_hash'
    from refunds r
        left join payment_captures c on c.shop = r.shop and c.gateway = r.gateway
            and c.gateway_payment_id = r.gateway_payment_id
    where (p_shop is null or r.shop = p_shop)
        and (c.shop is null or c.currency <> r.currency or c.reference <> r.reference)
    union all
    select 'no_payment_is_lost', e.shop, to_jsonb(e) - 'payload'
    from payment_events e
    where (p_shop is null or e.shop = p_shop) and e.outcome = 'parked'
        -- After two hours its message has used up its tries. A person must find the order of the
        -- money, or dismiss the event (payment_event_dismiss). Events without money need no person.
        and e.kind = 'paid' and e.received_at < now() - interval '2 hours'
    union all
    select 'a_limit_is_never_exceeded', coalesce(u.shop, h.shop), jsonb_build_object(
        'customer', coalesce(u.customer, h.customer), 'sku', coalesce(u.sku, h.sku),
        'units_held', u.units_held, 'active_holds', h.units, 'units_consumed', u.units_consumed,
        'units_max', u.units_max)
    from (select * from customer_units u where p_shop is null or u.shop = p_shop) u
        full join (
            select h.shop, c.customer, h.sku, sum(h.quantity) as units
            from holds h join checkouts c on c.shop = h.shop and c.checkout_id = h.checkout_id
            where h.status = 'active' and h.limited and (p_shop is null or h.shop = p_shop)
            group by 1, 2, 3) h
        on h.shop = u.shop and h.customer = u.customer and h.sku = u.sku
    where coalesce(u.units_held, 0) <> coalesce(h.units, 0)
        or u.units_held + u.units_consumed > u.units_max
    union all
    select 'a_limit_is_never_exceeded', coalesce(o.shop, c.shop), jsonb_build_object(
        'customer', coalesce(o.customer, c.customer), 'open', o.open, 'checkouts', c.checkouts,
        'open_max', o.open_max)
    from (select * from customer_checkouts o where p_shop is null or o.shop = p_shop) o
        full join (
            select c.shop, c.customer, count(*) as checkouts from checkouts c
            where c.counted and (p_shop is null or c.shop = p_shop) group by 1, 2) c
        on c.shop = o.shop and c.customer = o.customer
    where coalesce(o.open, 0) <> coalesce(c.checkouts, 0) or o.open > o.open_max
    union all
    select 'a_coupon_is_never_overused', coalesce(u.shop, o.shop), jsonb_build_object(
        'coupon', coalesce(u.code, o.coupon_code), 'customer', coalesce(u.customer, o.customer),
        'uses_held', u.uses_held, 'uses_consumed', u.uses_consumed, 'uses_max', u.uses_max,
        'orders_holding', o.held, 'orders_consumed', o.consumed)
    from (select * from customer_coupons u where p_shop is null or u.shop = p_shop) u
        full join (
            select o.shop, o.coupon_code, o.customer,
                count(*) filter (where o.coupon_use = 'held') as held,
                count(*) filter (where o.coupon_use = 'consumed') as consumed
            from orders o
            where o.coupon_code is not null and (p_shop is null or o.shop = p_shop)
            group by 1, 2, 3) o
        on o.shop = u.shop and o.coupon_code = u.code and o.customer = u.customer
    where coalesce(u.uses_held, 0) <> coalesce(o.held, 0)
        or coalesce(u.uses_consumed, 0) <> coalesce(o.consumed, 0)
        or u.uses_held + u.uses_consumed > u.uses_max
    union all
    select 'a_coupon_is_never_overused', c.shop, to_jsonb(c)
    from coupons c
    where (p_shop is null or c.shop = p_shop)
        and (c.uses_held + c.uses_consumed > c.uses_max
            or c.uses_held <> (select count(*) from ordered o
                where o.shop = c.shop and o.coupon_code = c.code and o.coupon_use = 'held')
            or c.uses_consumed <> (select count(*) from ordered o
                where o.shop = c.shop and o.coupon_code = c.code and o.coupon_use = 'consumed'))
$$;
