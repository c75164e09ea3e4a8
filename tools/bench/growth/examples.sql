-- The values that cases.sql uses, and what some of its cases need first.
create schema growth;

-- the newest of each kind
create table growth.examples as
with recent as (
    select coalesce(case when o.placed_by is not null and o.status = 'paid' then 'desk' end,
            case when o.order_id is null and c.status = 'expired' then 'expired_open' end,
            o.status, c.status::text) as kind,
        c.created_at, c.checkout_id, c.customer, o.order_id, o.total_minor, p.reference, p.gateway,
        p.gateway_payment_id, r.refund_id, r.status as refund, l.sku
    from holdfast.checkouts c
        left join holdfast.orders o on o.shop = c.shop and o.checkout_id = c.checkout_id
        left join holdfast.payments p on p.shop = o.shop and p.order_id = o.order_id
        left join holdfast.refunds r on r.shop = o.shop and r.order_id = o.order_id
        left join lateral (
            select l.sku from holdfast.order_lines l
            where l.shop = o.shop and l.order_id = o.order_id order by l.sku limit 1) l on true
    where c.shop = 'big' and c.created_at > now() - interval '120 days'),
kinds as (
    select * from recent
    union all
    select 'refund_failed', created_at, checkout_id, customer, order_id, total_minor, reference,
        gateway, gateway_payment_id, refund_id, refund, sku
    from recent where refund = 'failed')
select * from (
    select row_number() over (partition by kind order by created_at desc, checkout_id) as nth, *
    from kinds) k
where nth <= 200;
create unique index on growth.examples (kind, nth);

-- Makes so many open checkouts due, of this sku or of any.
create function growth.make_due(p_shop text, p_sku text, p_checkouts integer) returns void
language sql as $$
    with due as (
        update holdfast.checkouts c set expires_at = now() - interval '1 second'
        from (
            select distinct h.checkout_id from holdfast.holds h
            where h.shop = p_shop and h.status = 'active' and (p_sku is null or h.sku = p_sku)
            limit p_checkouts) d
        where c.shop = p_shop and c.checkout_id = d.checkout_id
        returning c.checkout_id, c.expires_at)
    update holdfast.holds h set expires_at = d.expires_at
    from due d
    where h.shop = p_shop and h.checkout_id = d.checkout_id and h.status = 'active'
$$;

-- Leaves no unit of a sku available, and makes holds of it due.
create function growth.make_scarce(p_shop text, p_sku text) returns void
language sql as $$
    select growth.make_due(p_shop, p_sku, 150);
    select holdfast.stock_set(p_shop, p_sku, l.held, null, 'growth', null, null, gen_random_uuid())
    from holdfast.stock_levels l where l.shop = p_shop and l.sku = p_sku
$$;

-- Stages an import of 500 rows: 250 new skus, and 250 prices.
create function growth.stage(p_shop text, p_import_id uuid) returns void
language sql as $$
    select holdfast.import_stage(p_shop, p_import_id, 1, 'clerk', 500, array_agg(n),
        array_agg(case when n <= 250 then p_import_id || '-' || n else 'T-' || n end),
        array_agg('A thing'::text), array_agg(null::text), array_agg(null::text),
        array_agg(n::bigint),
        array_agg(null::text), array_agg(null::timestamptz), array_agg(false),
        array_agg(null::timestamptz), array_agg(false), array_agg(null::integer),
        array_agg(null::integer), array_agg(false), array_agg(false),
        array_agg(case when n <= 250 then 5 end), array_agg(null::bigint), array_agg(null::text))
    from generate_series(1, 500) n
$$;
