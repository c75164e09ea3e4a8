-- The promises about the given orders: their lines and the stock that they took, their payments,
-- captures and refunds. No locks.
create or replace function holdfast.promises_orders(
    p_shop text, p_subjects holdfast.promise_subject[])
    returns table (kind text, a text, b text, promise text, violation jsonb)
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return query
    with ordered as materialized (
        select o.shop, o.order_id, o.checkout_id, o.customer_key, o.status, o.coupon_code,
            o.coupon_use, o.total_minor, o.paid_at, o.version,
            p.reference, p.status as payment_status, p.amount_minor, p.method, p.accepted_minor
        from unnest(p_subjects) s
            join orders o on o.shop = p_shop and o.order_id = s.a::uuid
            left join payments p on p.shop = p_shop and p.order_id = o.order_id
        where s.kind = 'order'),
    captured as materialized (
        select c as is, o.order_id,
            (select sum(r.amount_minor) from refunds r
            where r.shop = p_shop and r.order_id = o.order_id and not r.void
                and r.gateway = c.gateway and r.gateway_payment_id = c.gateway_payment_id)
            as refunds_minor
        from ordered o
            join payment_captures c on c.shop = p_shop and c.reference = o.reference),
    refunded as materialized (
        select r as is, o.reference
        from ordered o join refunds r on r.shop = p_shop and r.order_id = o.order_id)
    select 'order', o.order_id::text, '', 'a_payment_changes_stock_once', jsonb_build_object(
        'reference', o.reference, 'sku', l.sku, 'ordered', l.ordered, 'returned', l.returned,
        'order_status', o.status, 'sold', l.sold, 'times', l.times, 'net', l.net)
    from ordered o
        -- each line and the movements of its sku; one of the two may be missing
        cross join lateral (
            select part.sku, max(part.quantity) as ordered, max(part.returned) as returned,
                -sum(part.delta) as net, -sum(part.delta) filter (where part.is_sale) as sold,
                count(*) filter (where part.is_sale) as times
            from (
                select l.sku, l.quantity, l.returned, null::integer, null::boolean
                from order_lines l where l.shop = p_shop and l.order_id = o.order_id
                union all
                select m.sku, null, null, m.delta, m.reason = 'sold' from stock_movements m
                where m.shop = p_shop and m.reference = o.reference
                    and m.reason in ('sold', 'returned')
                ) part (sku, quantity, returned, delta, is_sale)
            group by 1) l
    -- paid_at is set when the stock was deducted; a later cancellation gave it back
    where coalesce(l.net, 0) <> case when o.paid_at is not null and o.status <> 'cancelled'
            then coalesce(l.ordered - l.returned, 0) else 0 end
        -- The net alone is not enough: units that were sold twice and returned once have the right
        -- net. An online order is deducted once and whole. A booking is deducted at most once more
        -- per change.
        or (o.method = 'online' and (l.times > 1 or coalesce(l.sold, 0) <> case
            when o.paid_at is null then 0 else coalesce(l.ordered, 0) end))
        or l.times > o.version
    union all
    select 'order', o.order_id::text, '', 'no_payment_is_lost', to_jsonb(o)
    from ordered o
    where o.reference is null or o.amount_minor <> o.total_minor
        or (o.payment_status = 'paid')
            <> (o.status in ('paid', 'refund_due', 'refunded')
                -- a booking that is cancelled stays paid: the desk gives the money back. A free
                -- order costs nothing
                or (o.status = 'cancelled' and (o.method = 'offline' or o.total_minor = 0)))
        or (o.status = 'paid' and not exists (
            select from outbox_messages b
            where b.shop = p_shop and b.topic = 'order.paid' and b.subject = o.order_id::text))
    union all
    -- every capture is in a completed order, goes back, or waits for a person who was alerted
    select 'order', o.order_id::text, '', 'no_payment_is_lost', to_jsonb(o) || jsonb_build_object(
        'captured_minor', m.captured, 'left_minor', m.left_over, 'excess_minor', m.excess,
        'under_way', m.under_way)
    from ordered o
        cross join lateral (
            select coalesce(sum(c.amount_minor), 0) as captured,
                coalesce(sum(c.amount_minor - c.refunded_minor), 0) as left_over,
                (select coalesce(sum(r.amount_minor), 0) from refunds r
                where r.shop = p_shop and r.order_id = o.order_id and r.reason = 'excess'
                    and not r.void) as excess,
                exists (select from refunds r
                where r.shop = p_shop and r.order_id = o.order_id and not r.void
                    and r.status <> 'settled') as under_way
            from payment_captures c
            where c.shop = p_shop and c.reference = o.reference
                and (c.counts or c.accepted)) m
    where o.method = 'online' and o.total_minor > 0
        and (o.status = 'paid'
                -- or what staff took as the payment
                and (m.captured - m.excess < coalesce(o.accepted_minor, o.total_minor)
                    or m.left_over > coalesce(o.accepted_minor, o.total_minor))
            or o.status in ('refund_due', 'refunded')
                and (m.captured = 0 or m.left_over > 0
                    or (o.status = 'refunded') = m.under_way)
            or o.payment_status <> 'paid' and m.left_over > 0 and o.status <> 'review'
            or o.payment_status <> 'paid' and m.left_over >= o.total_minor)
    union all
    select 'order', c.order_id::text, '', 'no_payment_is_lost', to_jsonb(c.is)
    from captured c
    where not (c.is).counts and coalesce((c.is).amount_minor > (c.is).refunded_minor, true)
        and not exists (
            select from outbox_messages b
            where b.shop = p_shop and b.topic = 'payment.review'
                and b.subject = (c.is).gateway || ':' || (c.is).gateway_payment_id)
    union all
    select 'order', c.order_id::text, '', 'refunds_never_exceed_captures',
        to_jsonb(c.is) || jsonb_build_object('refunds_minor', c.refunds_minor)
    from captured c
    where (c.is).refunded_minor <> coalesce(c.refunds_minor, 0)
        or (c.is).refunded_minor > coalesce((c.is).amount_minor, 0)
    union all
    select 'order', (r.is).order_id::text, '', 'refunds_never_exceed_captures',
        to_jsonb(r.is) - 'request_hash'
    from refunded r
        left join payment_captures c on c.shop = p_shop and c.gateway = (r.is).gateway
            and c.gateway_payment_id = (r.is).gateway_payment_id
    where c.shop is null or c.currency <> (r.is).currency or c.reference <> (r.is).reference
        or (r.is).reference is distinct from r.reference
    union all
    -- promises_uses compares the counts that there are
    select 'order', o.order_id::text, '', 'a_coupon_is_never_overused', jsonb_build_object(
        'coupon', o.coupon_code, 'customer', o.customer_key, 'coupon_use', o.coupon_use)
    from ordered o
    where o.coupon_use in ('held', 'consumed')
        and not exists (
            select from customer_coupons u
            where u.shop = p_shop and u.code = o.coupon_code
                and u.customer = o.customer_key);
end;
$$;
