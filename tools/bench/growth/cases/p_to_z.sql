-- The cases of the other routines, as in a_to_o.sql.

-- payment_accept
call holdfast.payment_accept('big', '{review.order_id}', {review.total_minor} / 2, 'clerk',
    'near enough');

-- payment_accept_attempt
-- last: rollback
select * from holdfast.payment_accept_attempt('big', '{review.order_id}',
    {review.total_minor} / 2, 'clerk', 'near enough', false, true);

-- payment_event_dismiss
select * from holdfast.payment_event_dismiss('big', 'cashfree', 'unknown-2', 'clerk');

-- payment_event_retry
select * from holdfast.payment_event_retry('big', 'cashfree', 'unknown-3', 'clerk');

-- payment_parked_events
-- at most 20,000: considers 1,000 events
select * from holdfast.payment_parked_events('big', 100);

-- payment_parked_list
select * from holdfast.payment_parked_list('big', null, null, null, 500);

-- payment_record_event: an order is paid
call holdfast.payment_record_event('big', 'cashfree', gen_random_uuid()::text,
    '{awaiting_payment.reference}', 'paid', {awaiting_payment.total_minor}, 'INR',
    gen_random_uuid()::text, '{}',
    null, null, null, null);

-- payment_record_event: late
call holdfast.payment_record_event('big', 'cashfree', gen_random_uuid()::text,
    '{expired.reference}', 'paid', {expired.total_minor}, 'INR', gen_random_uuid()::text, '{}',
    null, null, null, null);

-- payment_record_event: a refund at the gateway
call holdfast.payment_record_event('big', '{paid.gateway}', gen_random_uuid()::text, null,
    'refund_settled', {paid.total_minor}, 'INR', '{paid.gateway_payment_id}', '{}', null, null,
    gen_random_uuid()::text, null);

-- payment_record_event: a dispute
call holdfast.payment_record_event('big', '{paid.gateway}', gen_random_uuid()::text, null,
    'disputed', {paid.total_minor}, 'INR', '{paid.gateway_payment_id}', '{}', null, null, null,
    null);

-- payment_record_event: unknown
call holdfast.payment_record_event('big', 'cashfree', gen_random_uuid()::text, 'big-unknown',
    'paid', 100, 'INR', gen_random_uuid()::text, '{}', null, null, null, null);

-- payment_record_event_attempt
-- last: rollback
select * from holdfast.payment_record_event_attempt('big', 'cashfree', gen_random_uuid()::text,
    '{awaiting_payment.reference}', 'paid', {awaiting_payment.total_minor}, 'INR',
    gen_random_uuid()::text, '{}',
    null, null, null, null, true);

-- payment_record_events
call holdfast.payment_record_events('big', jsonb_build_array(
    jsonb_build_object('gateway', 'cashfree', 'event_key', gen_random_uuid(), 'payload', '{}',
        'reference', '{awaiting_payment.reference}', 'kind', 'paid', 'currency', 'INR',
        'amount_minor', {awaiting_payment.total_minor}, 'gateway_payment_id', gen_random_uuid()),
    jsonb_build_object('gateway', 'cashfree', 'event_key', gen_random_uuid(), 'payload', '{}',
        'reference', 'big-unknown', 'kind', 'paid', 'currency', 'INR', 'amount_minor', 100,
        'gateway_payment_id', gen_random_uuid())));

-- payment_record_events_attempt
-- last: rollback
select * from holdfast.payment_record_events_attempt('big', jsonb_build_array(
    jsonb_build_object('gateway', 'cashfree', 'event_key', gen_random_uuid(), 'payload', '{}',
        'reference', '{awaiting_payment.reference}', 'kind', 'paid', 'currency', 'INR',
        'amount_minor', {awaiting_payment.total_minor},
        'gateway_payment_id', gen_random_uuid())));

-- payment_redrive
select * from holdfast.payment_redrive('big', 'cashfree', 'unknown-1', 'clerk');

-- promises_breached
select * from holdfast.promises_breached('big', 50);

-- promises_due
-- with statistics: the check reads many tables at once; it has 20 s, and may be late for minutes
select * from holdfast.promises_due();

-- promises_due: the shops of a node
-- with statistics: the check reads many tables at once; it has 20 s, and may be late for minutes
select * from holdfast.promises_due('{big,s1,s2}');

-- promises_list
-- with statistics: the check reads many tables at once; it has 20 s, and may be late for minutes
-- at most 200,000: checks 2,000 subjects
select * from holdfast.promises_list('big', 'order', '{paid.order_id}', '', 100, 2000);

-- promises_recheck
-- with statistics: the check reads many tables at once; it has 20 s, and may be late for minutes
select * from holdfast.promises_recheck('big');

-- promises_sweep: what changed
-- with statistics: the check reads many tables at once; it has 20 s, and may be late for minutes
-- at most 200,000: checks the subjects of 500 rows of each source
select * from holdfast.promises_sweep('big', 'changed', 500);

-- promises_sweep: the next of all
-- with statistics: the check reads many tables at once; it has 20 s, and may be late for minutes
-- at most 200,000: checks 3,000 subjects
select * from holdfast.promises_sweep('big', 'history', 3000);

-- refund_backlog
select * from holdfast.refund_backlog();

-- refund_backlog: the shops of a node
select * from holdfast.refund_backlog('{big,s1,s2}');

-- refund_claim
select * from holdfast.refund_claim('big', 20);

-- refund_list: everything
select * from holdfast.refund_list('big', null, null, null, 500, 5000);

-- refund_list: failed
select * from holdfast.refund_list('big', 'failed', null, null, 500, 5000);

-- refund_list: a rare status
select * from holdfast.refund_list('big', 'owed', null, null, 500, 5000);

-- refund_overview
select * from holdfast.refund_overview('big', '{refunded.order_id}');

-- refund_report
select * from holdfast.refund_report('big', '{refund_due.refund_id}', 'settled', null, null);

-- refund_request
select * from holdfast.refund_request('big', '{paid.order_id}', gen_random_uuid(), '\x01', 'clerk',
    null, 100, null, array['{paid.sku}'], '{1}');

-- refund_retry
select * from holdfast.refund_retry('big', '{refund_failed.refund_id}', 'clerk');

-- refund_untried
select holdfast.refund_untried('big', array['{refund_due.refund_id}']::uuid[], '{1}');

-- sale_read
-- at most 30,000: the holds, sales, payments and ends of half an hour, and 10,000 stock levels
select holdfast.sale_read('big', null, 30, 36000);

-- sale_read: two skus
-- at most 30,000: the holds, sales, payments and ends of half an hour, and 10,000 stock levels
select holdfast.sale_read('big', '{D-1,H-1}', 5, 36000);

-- shop_list
select * from holdfast.shop_list();

-- shop_node
select * from holdfast.shop_node('big');

-- shop_put
select * from holdfast.shop_put('big', 'Big', 'INR');

-- shop_read
select * from holdfast.shop_read('big');

-- sku_close
select * from holdfast.sku_close('big', 'T-4', 'clerk');

-- sku_export
-- at most 30,000: 5,000 skus
select * from holdfast.sku_export('big', 'T-1', 5000);

-- sku_find: one sku
select * from holdfast.sku_find('big', 'd-1', 20, 5000);

-- sku_find: a word of every title
-- at most 30,000: reads 5,000 skus
select * from holdfast.sku_find('big', 'thin', 20, 5000);

-- sku_list
-- at most 10,000: 500 skus with their stock
select * from holdfast.sku_list('big', 'T-1', 500);

-- sku_manifest: a departure with a tenth of all orders
-- at most 20,000: reads every active hold of the sku, and its sold units in an index
select * from holdfast.sku_manifest('big', 'D-1', null, null, 500);

-- sku_manifest: its last page
-- at most 20,000: reads every active hold of the sku, and its sold units in an index
select * from holdfast.sku_manifest('big', 'D-1', now() - interval '1 hour', gen_random_uuid(),
    500);

-- sku_manifest: a rare sku
select * from holdfast.sku_manifest('big', 'T-1', null, null, 500);

-- sku_put
select * from holdfast.sku_put('big', 'T-2', 'Another title', '{}', 1234);

-- sku_read
select * from holdfast.sku_read('big', 'D-1');

-- sku_retire
select * from holdfast.sku_retire('big', 'T-5');

-- stock_adjust
select * from holdfast.stock_adjust('big', 'H-1', 1, null, 'adjusted', 'clerk', 'count');

-- stock_availability
select * from holdfast.stock_availability('big', array(select 'T-' || n from
    generate_series(1, 100) n));

-- stock_read
select * from holdfast.stock_read('big', 'D-1');

-- stock_receive
select * from holdfast.stock_receive('big', 'H-1', 1, null, 'clerk', 'PO-2', null,
    gen_random_uuid());

-- stock_set
select * from holdfast.stock_set('big', 'T-6', 4000000, null, 'clerk', 'count', null,
    gen_random_uuid());

-- stock_shrink
call holdfast.stock_shrink('big', 'T-7', 1, null, 'clerk', 'fire', null, gen_random_uuid(), false);

-- stock_shrink: of a hot sku
-- at most 20,000: reads every active hold of the sku
call holdfast.stock_shrink('big', 'D-1', 1, null, 'clerk', 'fire', null, gen_random_uuid(), true);

-- stock_shrink_attempt
-- last: rollback
select * from holdfast.stock_shrink_attempt('big', 'T-8', 1, null, 'clerk', 'fire', null,
    gen_random_uuid(), false, true);

-- stock_shrink_reclaim
select * from holdfast.stock_shrink_reclaim('big', 'T-8', null);

-- subscriber_backlog
select * from holdfast.subscriber_backlog();

-- subscriber_backlog: the shops of a node
select * from holdfast.subscriber_backlog('{big,s1,s2}');

-- subscriber_claim
select * from holdfast.subscriber_claim('big', 20);

-- subscriber_delete
-- first: select holdfast.subscriber_put('s1', 'x', 'https://example.org', null)
select * from holdfast.subscriber_delete('s1', 'x');

-- subscriber_enable
-- first: select holdfast.subscriber_put('s1', 'y', 'https://example.org', null)
-- first: update holdfast.subscribers set disabled_at = '2026-01-01 00:00:00+00' where shop = 's1'
select holdfast.subscriber_enable('s1', 'y', '2026-01-01 00:00:00+00');

-- subscriber_list
select * from holdfast.subscriber_list('big');

-- subscriber_mark
select holdfast.subscriber_mark('big', 'mail', '{order.paid,order.paid}', '{{paid.order_id},x}',
    '{delivered,failed}', '{null,busy}');

-- subscriber_mark: the subscriber is gone
-- at most 30,000: gives up 1,000 deliveries
select holdfast.subscriber_mark('big', 'ledger', array['order.paid'], array['x'], '{gone}',
    '{null}');

-- subscriber_put
select * from holdfast.subscriber_put('big', 'mail', 'https://example.org/mail', null);

-- subscriber_read
select * from holdfast.subscriber_read('big', 'ledger');

-- subscriber_test
select * from holdfast.subscriber_test('big', 'mail', gen_random_uuid(), 'clerk');

-- subscriber_waiting
select * from holdfast.subscriber_waiting();

-- subscriber_waiting: the shops of a node
select * from holdfast.subscriber_waiting('{big,s1,s2}');

-- sweep_expire
-- first: select growth.make_due('big', null, 400)
-- at most 60,000: expires 200 checkouts with their lines, orders, coupons and announcements
select * from holdfast.sweep_expire('big', 200, '{}');
