-- A database as it is after years of selling: growth.orders orders, five times as many holds, and
-- everything that belongs to them. One shop has nearly all of it. `holdfast bench --growth` runs
-- it, as a superuser, on an empty database of this version. Every promise holds afterwards.
--
-- Times: half of the orders are of the last quarter of the year, and two in a second of the last
-- hours (at a million). Everything is computed from the order's number, so that every run makes the
-- same rows.

-- Without triggers and foreign keys: they would cost an hour, and the promises are checked at the
-- end.
set session_replication_role = replica;
set synchronous_commit = off;
create schema growth;

-- One row of each order, and of each of the checkouts that never became one (no order_id).
create unlogged table growth.made as
select n.n,
    case when n.n % 100 < 97 then 'big' when n.n % 100 < 99 then 'mid'
        else 's' || (n.n / 100) % 10 end collate "C" as shop,
    md5('checkout' || n.n)::uuid as checkout_id,
    case when n.n <= size.orders then md5('order' || n.n)::uuid end as order_id,
    case when n.kind < 5 then 'agency' else 'customer-' || n.mixed % greatest(size.orders / 5, 1)
        end collate "C" as customer,
    case
        when n.n > size.orders then
            case when n.age < interval '20 minutes' then 'open'
                when n.kind < 300 then 'released' else 'gone' end
        when n.kind < 60 then case when n.kind < 3 then 'desk cancelled' else 'desk' end
        when n.kind >= 60 and n.age < interval '20 minutes' then 'awaiting'
        when n.kind < 860 then 'paid'
        when n.kind < 900 then 'refunded'
        when n.kind < 970 then 'expired'
        when n.kind < 985 then 'cancelled'
        when n.kind < 993 then 'late'
        when n.kind < 998 then 'review'
        else 'expired'
    end as fate,
    now() - n.age as created_at,
    -- of a cart's two lines the first is wanted by everybody, or by few, or is the great departure
    case when n.n % 10 = 3 then 'D-1' when n.n % 2 = 0 then 'H-' || n.mixed % 20
        else 'T-' || n.mixed % size.skus end collate "C" as first_sku,
    case when n.n % 2 = 0 then 'X-' || n.mixed % (size.skus / 2 + 1) end collate "C" as second_sku,
    n.mixed % 3 + 1 as quantity,
    case when n.n <= size.orders and n.mixed % 12 = 5
        then 'C' || n.mixed % (size.skus / 10 + 1) end collate "C" as coupon,
    n.n > size.orders and n.n % 5 = 0 or n.n <= size.orders and n.n % 10 = 0 as replaced,
    n.mixed
from (select o.orders, greatest(o.orders / 20, 20) as skus
        from (select current_setting('growth.orders')::integer as orders) o) size
    cross join lateral (
        select g.n, (g.n::bigint * 7919 % 1000)::integer as kind,
            (g.n::bigint * 2654435761 % 1000003)::integer as mixed,
            interval '1 minute' + interval '365 days'
                * ((g.n % size.orders)::double precision / size.orders) ^ 2 as age
        from generate_series(1, size.orders * 3) g (n)) n;

create unlogged table growth.lines as
select m.n, m.shop, l.sku, l.quantity, 1000 + length(l.sku) * 10 as price_minor
from growth.made m cross join lateral (
    select m.first_sku as sku, m.quantity
    union all
    select m.second_sku, 1 where m.second_sku is not null) l;

insert into holdfast.shop_codes (shop) select distinct m.shop from growth.made m;
insert into holdfast.shops (shop, name, currency, checkouts_per_customer_max)
select s, s, 'INR', case s when 'mid' then 1000 end
from (select distinct m.shop from growth.made m) m (s);

insert into holdfast.skus (shop, sku, title, price_minor, limit_per_customer, departs_at,
    created_at)
select s.shop, k.sku, 'A thing', 1000 + length(k.sku) * 10,
    case k.sku when 'H-7' then 1000000 end,
    -- a departure every ten minutes, from months ago on
    case when k.sku like 'T-%'
        then now() + (substr(k.sku, 3)::integer - 40) * interval '10 minutes' end,
    now() - interval '2 years'
from holdfast.shops s cross join (select distinct l.sku from growth.lines l) k;

insert into holdfast.coupons (shop, code, kind, value, uses_max, changed_at)
select s.shop, 'C' || c, 'percent', 500, 1000000, now() - interval '2 years'
from holdfast.shops s, generate_series(0, current_setting('growth.orders')::integer / 200 + 1) c;

-- what each fate is in each table
create unlogged table growth.fates as
select * from (values
    ('open', 'open', 'active', null, null),
    ('awaiting', 'ordered', 'active', 'awaiting_payment', 'unpaid'),
    ('gone', 'expired', 'expired', null, null),
    ('released', 'released', 'released', null, null),
    ('desk', 'paid', 'consumed', 'paid', 'paid'),
    ('desk cancelled', 'paid', 'consumed', 'cancelled', 'paid'),
    ('paid', 'paid', 'consumed', 'paid', 'paid'),
    ('refunded', 'paid', 'consumed', 'refunded', 'paid'),
    ('expired', 'expired', 'expired', 'expired', 'unpaid'),
    ('cancelled', 'released', 'released', 'cancelled', 'failed'),
    ('late', 'expired', 'expired', 'refund_due', 'paid'),
    ('review', 'expired', 'expired', 'review', 'unpaid'))
    f (fate, checkout, hold, "order", payment);

insert into holdfast.checkouts (shop, checkout_id, customer, status, revision, generation,
    request_hash, expires_at, created_at, ended_at, counted_as)
select m.shop, m.checkout_id, m.customer, f.checkout::holdfast.checkout_status, 1 + m.replaced::int,
    1 + m.replaced::int, '\x00', m.created_at + interval '20 minutes', m.created_at,
    case when f.hold <> 'active' then m.created_at + interval '5 minutes' end,
    case when f.hold = 'active' and (m.shop = 'mid' or m.first_sku = 'H-7') then m.customer end
from growth.made m join growth.fates f using (fate);

insert into holdfast.holds (shop, checkout_id, generation, sku, quantity, price_minor, status,
    expires_at, created_at, resolved_at, limited)
select m.shop, m.checkout_id, g.generation, l.sku, l.quantity, l.price_minor,
    case when g.generation = 1 + m.replaced::int then f.hold else 'released'
        end::holdfast.hold_status,
    m.created_at + interval '20 minutes', m.created_at,
    case when f.hold <> 'active' or g.generation <= m.replaced::int
        then m.created_at + interval '5 minutes' end,
    l.sku = 'H-7'
from growth.made m join growth.fates f using (fate) join growth.lines l using (n)
    cross join lateral generate_series(1, 1 + m.replaced::int) g (generation);

insert into holdfast.customer_checkouts (shop, customer, open, open_max)
select c.shop, c.counted_as, count(*), case c.shop when 'mid' then 1000 end
from holdfast.checkouts c where c.counted_as is not null group by 1, 2;

insert into holdfast.orders (shop, order_id, checkout_id, customer, customer_key, placed_by,
    status, currency, subtotal_minor, discount_minor, total_minor, coupon_code, coupon_use,
    request_hash, created_at, paid_at)
select m.shop, m.order_id, m.checkout_id, m.customer, m.customer,
    case when m.fate like 'desk%' then 'dispatcher-' || m.n % 7 end, f."order", 'INR', t.total,
    0, t.total, m.coupon,
    case when m.coupon is null then 'none' when f.hold = 'active' then 'held'
        when f.checkout = 'paid' and m.fate <> 'desk cancelled' then 'consumed'
        else 'released' end,
    '\x00', m.created_at, case when f.checkout = 'paid' then m.created_at + interval '5 minutes' end
from growth.made m join growth.fates f using (fate)
    join (select l.n, sum(l.quantity * l.price_minor) as total from growth.lines l group by 1) t
        using (n)
where m.order_id is not null;

update holdfast.coupons c set uses_held = u.held, uses_consumed = u.consumed
from (
    select o.shop, o.coupon_code, count(*) filter (where o.coupon_use = 'held') as held,
        count(*) filter (where o.coupon_use = 'consumed') as consumed
    from holdfast.orders o where o.coupon_code is not null group by 1, 2) u
where c.shop = u.shop and c.code = u.coupon_code;
insert into holdfast.customer_coupons (shop, code, customer, uses_held, uses_consumed)
select o.shop, o.coupon_code, o.customer, count(*) filter (where o.coupon_use = 'held'),
    count(*) filter (where o.coupon_use = 'consumed')
from holdfast.orders o where o.coupon_code is not null group by 1, 2, 3;

insert into holdfast.order_lines (shop, order_id, sku, quantity, price_minor, returned, limited,
    checkout_id, begun_at, sold)
select m.shop, m.order_id, l.sku, l.quantity, l.price_minor,
    case m.fate when 'desk cancelled' then l.quantity else 0 end,
    l.sku = 'H-7', m.checkout_id, m.created_at, f.checkout = 'paid'
from growth.made m join growth.fates f using (fate) join growth.lines l using (n)
where m.order_id is not null;
insert into holdfast.customer_units (shop, customer, sku, units_held, units_consumed, units_max)
select m.shop, m.customer, l.sku,
    sum(case when f.hold = 'active' then l.quantity else 0 end),
    sum(case when f.checkout = 'paid' and m.fate <> 'desk cancelled' then l.quantity else 0 end),
    1000000
from growth.made m join growth.fates f using (fate) join growth.lines l using (n)
where l.sku = 'H-7' group by 1, 2, 3;

create unlogged table growth.payments as
select m.*, f.payment, m.shop || '-' || left(md5('reference' || m.n), 24) as reference,
    (array['cashfree', 'stripe', 'razorpay'])[m.n % 3 + 1] as gateway, 'pay-' || m.n as paid_by,
    m.fate not like 'desk%' and m.fate not in ('expired', 'cancelled', 'awaiting') as captured,
    o.total_minor
from growth.made m join growth.fates f using (fate)
    join holdfast.orders o on o.shop = m.shop and o.order_id = m.order_id;

insert into holdfast.payments (shop, reference, order_id, method, status, amount_minor, currency,
    gateway, gateway_payment_id, created_at, paid_at, looked_up_at, look_up_at)
select p.shop, p.reference, p.order_id, case when p.fate like 'desk%' then 'offline' else 'online'
        end, p.payment::holdfast.payment_status, p.total_minor, 'INR',
    case when p.captured and p.payment = 'paid' then p.gateway end,
    case when p.captured and p.payment = 'paid' then p.paid_by end, p.created_at,
    case when p.payment = 'paid' then p.created_at + interval '5 minutes' end,
    case when p.n % 4 = 0 then p.created_at + interval '10 minutes' end,
    case when p.fate not like 'desk%' and p.created_at > now() - interval '3 days'
        then least(p.created_at + interval '1 day', now()) end
from growth.payments p;

insert into holdfast.gateway_orders (shop, gateway, gateway_order_id, reference, data, created_at,
    closed_at)
select p.shop, p.gateway, 'order-' || p.n, p.reference, '{"session": "s"}', p.created_at,
    case when p.fate <> 'awaiting' then p.created_at + interval '5 minutes' end
from growth.payments p where p.fate not like 'desk%' and p.n % 5 < 3;

-- what is in review has half of its money
insert into holdfast.payment_captures (shop, gateway, gateway_payment_id, reference, amount_minor,
    currency, counts, refunded_minor, captured_at)
select p.shop, p.gateway, p.paid_by, p.reference,
    p.total_minor / case p.fate when 'review' then 2 else 1 end, 'INR', true,
    case when p.fate in ('refunded', 'late') then p.total_minor else 0 end,
    p.created_at + interval '5 minutes'
from growth.payments p where p.captured;

-- of every tenth payment a failed try came first
insert into holdfast.payment_events (shop, gateway, event_key, reference, kind, amount_minor,
    currency, gateway_payment_id, gateway_order_id, refund_id, gateway_refund_id, payload, outcome,
    received_at, resolved_at)
select p.shop, p.gateway, e.kind || p.n, p.reference, e.kind,
    p.total_minor / case p.fate when 'review' then 2 else 1 end, 'INR', p.paid_by,
    'order-' || p.n, case e.kind when 'refund_settled' then md5('refund' || p.n)::uuid end,
    case e.kind when 'refund_settled' then 'refund-' || p.n end,
    repeat('{"as": "it came"}', 20),
    case e.kind when 'paid' then case p.fate when 'review' then 'review' when 'late'
            then 'refund_due' else 'completed' end else 'recorded' end,
    p.created_at + interval '5 minutes', p.created_at + interval '5 minutes'
from growth.payments p cross join lateral (values ('paid', p.captured), ('failed', p.n % 10 = 1),
    ('refund_settled', p.fate = 'refunded')) e (kind, came)
where e.came;
-- refunds of payments that this service never saw: they stay parked for ever
insert into holdfast.payment_events (shop, gateway, event_key, reference, kind, amount_minor,
    currency, gateway_payment_id, refund_id, gateway_refund_id, payload, received_at, consider_at)
select 'big', 'cashfree', 'unknown-' || n, 'elsewhere-' || n, 'refund_settled', 100, 'INR',
    'elsewhere-' || n, null, 'elsewhere-' || n, '{}', now() - n * interval '1 minute',
    now() + (n % 20 - 10) * interval '1 minute'
from generate_series(1, current_setting('growth.orders')::integer / 100) n;

insert into holdfast.refunds (shop, refund_id, order_id, reference, gateway, gateway_payment_id,
    amount_minor, currency, reason, status, void, next_try_at, gateway_refund_id, actor, attempts,
    created_at, settled_at, changed_at)
select p.shop, md5('refund' || p.n)::uuid, p.order_id, p.reference, p.gateway, p.paid_by,
    p.total_minor, 'INR', case p.fate when 'late' then 'late' else 'requested' end, r.status, false,
    p.created_at + interval '1 hour', case when r.status <> 'failed' then 'refund-' || p.n end,
    'clerk-' || p.n % 5, 1, p.created_at + interval '1 hour',
    case r.status when 'settled' then p.created_at + interval '2 hours' end,
    p.created_at + interval '2 hours'
from growth.payments p cross join lateral (
    select case when p.fate = 'refunded' then 'settled' when p.mixed % 3 = 1 then 'failed'
        else 'pending' end as status) r
where p.fate in ('refunded', 'late');

-- The ledger: every sku is received once, every paid line is sold, the cancelled ones came back.
create unlogged table growth.moves as
select m.*, sum(m.delta) over w as moved, 10 + row_number() over w * 3 as version
from (
    select p.shop, l.sku, -l.quantity as delta, 'sold' as reason, p.customer as actor,
        p.reference, p.created_at + interval '5 minutes' as created_at
    from growth.payments p join growth.lines l using (n)
    where p.fate like 'desk%' or p.fate in ('paid', 'refunded')
    union all
    select p.shop, l.sku, l.quantity, 'returned', 'clerk-1', p.reference,
        p.created_at + interval '2 hours'
    from growth.payments p join growth.lines l using (n) where p.fate = 'desk cancelled') m
window w as (partition by m.shop, m.sku order by m.created_at, m.reference);
insert into holdfast.stock_movements (shop, sku, version, delta, on_hand_after, reason, actor,
    reference, movement_id, created_at)
select k.shop, k.sku, 1, 5000000, 5000000, 'received', 'clerk-0', 'PO-1',
    md5('received' || k.shop || k.sku)::uuid, k.created_at
from holdfast.skus k;
insert into holdfast.stock_movements (shop, sku, version, delta, on_hand_after, reason, actor,
    reference, created_at)
select m.shop, m.sku, m.version, m.delta, 5000000 + m.moved, m.reason, m.actor, m.reference,
    m.created_at
from growth.moves m;
insert into holdfast.stock_levels (shop, sku, on_hand, held, version, low_stock_threshold, sold)
select k.shop, k.sku, 5000000 + coalesce(m.moved, 0), coalesce(h.units, 0),
    coalesce(m.version, 1) + 5, 10, -coalesce(m.moved, 0)
from holdfast.skus k
    left join (select m.shop, m.sku, sum(m.delta) as moved, max(m.version) as version
        from growth.moves m group by 1, 2) m using (shop, sku)
    left join (select h.shop, h.sku, sum(h.quantity) as units from holdfast.holds h
        where h.status = 'active' group by 1, 2) h using (shop, sku);

-- The announcements; the newest are not sent yet. Expired checkouts are those of a month.
insert into holdfast.announcements (shop, checkout_expired) values ('big', true);
create unlogged table growth.messages as
select t.topic, t.subject, t.group_key collate "C" as group_key, t.shop, t.created_at, t.body
from (
    select 'order.paid' as topic, p.order_id::text as subject, 'order/' || p.order_id as group_key,
        p.shop, p.created_at + interval '5 minutes' as created_at,
        jsonb_build_object('order_id', p.order_id, 'reference', p.reference) as body
    from growth.payments p where p.fate like 'desk%' or p.fate in ('paid', 'refunded')
    union all
    select 'order.cancelled', p.order_id::text, 'order/' || p.order_id, p.shop,
        p.created_at + interval '2 hours', jsonb_build_object('order_id', p.order_id)
    from growth.payments p where p.fate = 'desk cancelled'
    union all
    select 'order.refund_due', p.gateway || ':' || p.paid_by
            || case p.fate when 'late' then '' else ':' || md5('refund' || p.n)::uuid end,
        'order/' || p.order_id, p.shop, p.created_at + interval '1 hour',
        jsonb_build_object('order_id', p.order_id)
    from growth.payments p where p.fate in ('refunded', 'late')
    union all
    select 'refund.settled', md5('refund' || p.n)::uuid::text, 'order/' || p.order_id, p.shop,
        p.created_at + interval '2 hours', jsonb_build_object('order_id', p.order_id)
    from growth.payments p where p.fate = 'refunded'
    union all
    select 'payment.review', p.gateway || ':' || p.paid_by, 'order/' || p.order_id, p.shop,
        p.created_at + interval '5 minutes', jsonb_build_object('order_id', p.order_id)
    from growth.payments p where p.fate = 'review'
    union all
    select 'checkout.expired', m.checkout_id || ':' || 1 + m.replaced::int,
        'checkout/' || m.checkout_id, m.shop, m.created_at + interval '20 minutes',
        jsonb_build_object('checkout_id', m.checkout_id)
    from growth.made m
    where m.fate = 'gone' and m.shop = 'big' and m.created_at > now() - interval '40 days'
    union all
    select 'stock.low', 'T-' || n || '@' || n, 'sku/T-' || n, 'big', now() - n * interval '1 hour',
        jsonb_build_object('sku', 'T-' || n)
    from generate_series(1, current_setting('growth.orders')::integer / 1000) n) t;
insert into holdfast.outbox_messages (shop, topic, subject, group_key, body, created_at, sent_at)
select m.shop, m.topic, m.subject, m.group_key, m.body, m.created_at,
    case when m.created_at < now() - interval '30 seconds'
        then m.created_at + interval '1 second' end
from growth.messages m order by m.created_at;

insert into holdfast.subscribers (shop, name, url, created_at)
values ('big', 'mail', 'https://example.org/mail', now() - interval '1 year'),
    ('big', 'ledger', 'https://example.org/ledger', now() - interval '1 year');
insert into holdfast.subscriber_deliveries (shop, name, topic, subject, created_at, attempts,
    next_try_at, delivered_at, given_up_at)
select s.shop, s.name, m.topic, m.subject, m.created_at, 1, m.created_at,
    case when s.name = 'mail' and m.created_at < now() - interval '30 seconds'
            or s.name = 'ledger' and m.created_at < now() - interval '4 days'
        then m.created_at + interval '1 second' end, null
from holdfast.subscribers s join growth.messages m on m.shop = s.shop
where m.created_at > now() - interval '31 days';

insert into holdfast.addresses (shop, address_id, customer, address, created_at)
select m.shop, md5('address' || m.n)::uuid, m.customer, '{"city": "Pune"}', m.created_at
from growth.made m where m.order_id is not null and m.n % 10 = 0;
insert into holdfast.order_restocks (shop, return_id, order_id, request_hash, actor, created_at)
select m.shop, md5('return' || m.n)::uuid, m.order_id, '\x00', 'clerk-1', m.created_at
from growth.made m where m.fate = 'desk cancelled';

-- an import with a row for every tenth order, of which only the last is refused, and twenty others
insert into holdfast.imports (shop, import_id, status, mode, actor, created_at, ended_at)
select 'big', md5('import' || n)::uuid, 'done', 'good_rows_only', 'clerk-2',
    now() - n * interval '5 days', now() - n * interval '5 days'
from generate_series(0, 20) n;
create unlogged table growth.rows as
select r as line, (r - 1) / 10000 + 1 as part, (r - 1) / 500 + 1 as chunk, 'I-' || r as sku
from generate_series(1, current_setting('growth.orders')::integer / 10) r;
insert into holdfast.import_parts (shop, import_id, part, row_count)
select 'big', md5('import0')::uuid, r.part, count(*) from growth.rows r group by r.part;
insert into holdfast.import_chunks (shop, import_id, part, chunk, lines, skus, titles, attributes,
    attribute_changes, prices_minor, currencies, sale_opens_at, sale_opens_given,
    sale_closes_at, sale_closes_given,
    low_stock_thresholds, limits_per_customer, limits_given, retired, on_hand, expected_versions,
    malformed, outcomes, refusals)
select 'big', md5('import0')::uuid, r.part, r.chunk, array_agg(r.line), array_agg(r.sku),
    array_agg('A thing'::text), array_agg(null::text), array_agg(null::text),
    array_agg(1000), array_agg('INR'::text),
    array_agg(null::timestamptz), array_agg(false), array_agg(null::timestamptz), array_agg(false),
    array_agg(null::integer), array_agg(null::integer), array_agg(false), array_agg(false),
    array_agg(null::integer), array_agg(null::bigint), array_agg(null::text),
    array_agg(case when r.line = current_setting('growth.orders')::integer / 10 then 'refused'
        else 'unchanged' end order by r.line), array_agg(null::text)
from (select * from growth.rows order by line) r group by r.part, r.chunk;
insert into holdfast.import_skus (shop, import_id, sku, part, line)
select 'big', md5('import0')::uuid, r.sku, r.part, r.line from growth.rows r;

drop schema growth cascade;
reset session_replication_role;
