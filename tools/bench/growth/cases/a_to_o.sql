-- At least one call of every routine that a function may call, as `holdfast bench --growth` makes
-- them on the database of data.sql. A case is a block: its first line names the routine and says
-- what is special. `{paid.order_id}` is a value of the next example of that kind (examples.sql).
-- `-- first:` is a statement that the superuser runs before the case. `-- at most` is the case's
-- own bound, with its reason; without it, the usual bound holds. `-- with statistics:` leaves out
-- the pass without statistics, with the reason.

-- announcement_put
select * from holdfast.announcement_put('big', true);

-- announcement_read
select * from holdfast.announcement_read('big');

-- attempt_count
select holdfast.attempt_count('checkout_begin', 1);

-- backlog_read
select * from holdfast.backlog_read();

-- backlog_read: the shops of a node
select * from holdfast.backlog_read('{big,s1,s2}');

-- checkout_begin: a new cart of a hot sku
call holdfast.checkout_begin('big', gen_random_uuid(), '{open.customer}', 1, '\x01', null,
    '{H-1,X-3}', '{1,1}');

-- checkout_begin: another cart for a checkout
call holdfast.checkout_begin('big', '{open.checkout_id}', '{open.customer}', 9, '\x02', null,
    '{H-2,T-3}', '{1,1}');

-- checkout_begin: a sku with a limit
call holdfast.checkout_begin('big', gen_random_uuid(), 'customer-1', 1, '\x01', null,
    '{H-7}', '{1}');

-- checkout_begin: a cart that is short
-- first: select growth.make_scarce('big', 'T-9')
call holdfast.checkout_begin('big', gen_random_uuid(), 'customer-1', 1, '\x01', null,
    '{H-3,T-9}', '{1,50}');

-- checkout_begin: a cart that needs due holds
-- first: select growth.make_scarce('big', 'H-4')
-- at most 30,000: expires 100 checkouts with their lines, coupons and announcements
call holdfast.checkout_begin('big', gen_random_uuid(), 'customer-1', 1, '\x01', null,
    '{H-4}', '{1}');

-- checkout_begin_attempt
-- last: rollback
select * from holdfast.checkout_begin_attempt('big', gen_random_uuid(), 'customer-1', 1, '\x01',
    null, '{H-1}', '{1}', true);

-- checkout_begin_many: new carts of hot skus, one with a limit
call holdfast.checkout_begin_many('big', array[gen_random_uuid(), gen_random_uuid()],
    '{customer-1,customer-2}', '{1,1}', '{"\\x01","\\x02"}', '{null,null}', '{H-1,H-7,X-3}',
    '{1,1,2}', '{1,3,2}', '{1,1,1}');

-- checkout_begin_many: one that is placed, one that is short, one that is known
-- first: select growth.make_scarce('big', 'T-9')
call holdfast.checkout_begin_many('big',
    array[gen_random_uuid(), gen_random_uuid(), '{open.checkout_id}']::uuid[],
    '{customer-1,customer-2,customer-3}', '{1,1,1}', '{"\\x01","\\x02","\\x03"}',
    '{null,null,null}', '{H-1,T-9}', '{1,2,3}', '{1,2,1}', '{1,50,1}');

-- checkout_begin_many_attempt
select * from holdfast.checkout_begin_many_attempt('big',
    array[gen_random_uuid(), gen_random_uuid()], '{customer-1,customer-2}', '{1,1}',
    '{"\\x01","\\x02"}', '{null,null}', '{H-1,H-7,X-3}', '{1,1,2}', '{1,3,2}', '{1,1,1}');

-- checkout_extend
select * from holdfast.checkout_extend('big', '{open.checkout_id}', null, 1500);

-- checkout_read
select * from holdfast.checkout_read('big', '{paid.checkout_id}', null);

-- checkout_reclaim: of skus
-- at most 30,000: expires 100 checkouts with their lines, coupons and announcements
select holdfast.checkout_reclaim('big', row('{H-1,D-1,H-3}', null, null)::holdfast.reclaim);

-- checkout_reclaim: of a coupon and a customer
-- at most 30,000: expires 100 checkouts with their lines, coupons and announcements
select holdfast.checkout_reclaim('big', row(null, 'C1', 'agency')::holdfast.reclaim);

-- checkout_release
select * from holdfast.checkout_release('big', '{open.checkout_id}', null);

-- checkout_revoke
select * from holdfast.checkout_revoke('big', '{open.checkout_id}', 'clerk', 'a robot');

-- coupon_list
select * from holdfast.coupon_list('big', 'C2', 500);

-- coupon_put
select * from holdfast.coupon_put('big', 'C1', 'percent', 600, 0, null, null, 1000000);

-- coupon_read
select * from holdfast.coupon_read('big', 'C1');

-- delivery_list
-- at most 8,000: 500 deliveries with their announcements
select * from holdfast.delivery_list('big', 'ledger', null, null, null, 500);

-- delivery_list: a later page
-- at most 8,000: 500 deliveries with their announcements
select * from holdfast.delivery_list('big', 'mail', now() - interval '20 days', 'order.paid', 'x',
    500);

-- delivery_resend
select * from holdfast.delivery_resend('big', 'mail', 'order.paid', '{paid.order_id}', null,
    'clerk');

-- departure_list: a day
-- at most 2,000: 144 departures with their seats
select * from holdfast.departure_list('big', current_date, 1, null, null, 500, 5000);

-- departure_list: a month, from the middle
-- at most 10,000: 500 departures with their seats
select * from holdfast.departure_list('big', current_date, 31, now(), 'T-1', 500, 5000);

-- departure_near
-- at most 8,000: looks at 400 departures and their seats
select * from holdfast.departure_near('big', 'T-5', 2, 10, 100);

-- early_release_chosen
select holdfast.early_release_chosen();

-- early_release_lock
select holdfast.early_release_lock('big', '{open.checkout_id}', null, null);

-- early_release_persist
select holdfast.early_release_persist('big', 'row-lock', '{open.checkout_id}');

-- early_release_way
select holdfast.early_release_way();

-- gateway_order_claim
select * from holdfast.gateway_order_claim('big', '{expired.checkout_id}');

-- gateway_order_close
select * from holdfast.gateway_order_close('big', 'cashfree', 'order-1');

-- gateway_order_due
-- at most 3,000: reads open orders until 20 are due
select * from holdfast.gateway_order_due('big', 20, 30);

-- gateway_order_put
select * from holdfast.gateway_order_put('big', '{awaiting_payment.reference}', 'stripe',
    'session-{awaiting_payment.reference}', '{}', 1800);

-- gateway_order_read
select * from holdfast.gateway_order_read('big', '{paid.reference}', '{paid.gateway}');

-- health_read
select * from holdfast.health_read('big');

-- history_outline: a customer with thousands of orders
-- at most 30,000: the histories of 20 checkouts
select * from holdfast.history_outline('big', 'agency', null, 20, 200, 5000);

-- history_outline: a telephone number
-- at most 8,000: reads 10,000 checkouts by the time of their end
select * from holdfast.history_outline('big', '98220 55512', null, 20, 200, 5000);

-- history_search: a customer
-- at most 30,000: the histories of 20 checkouts
select * from holdfast.history_search('big', '{paid.customer}', null, 20, 200, 5000);

-- history_search: nobody
-- at most 8,000: reads 10,000 checkouts by the time of their end
select * from holdfast.history_search('big', 'nobody', null, 20, 200, 5000);

-- history_search: a reference
-- at most 8,000: reads 10,000 checkouts by the time of their end
select * from holdfast.history_search('big', '{refunded.reference}', null, 20, 200, 5000);

-- history_search: a gateway's payment
-- at most 8,000: reads 10,000 checkouts by the time of their end
select * from holdfast.history_search('big', '{refunded.gateway_payment_id}', null, 20, 200, 5000);

-- history_search: an order
-- at most 8,000: reads 10,000 checkouts by the time of their end
select * from holdfast.history_search('big', '{paid.order_id}', '{paid.order_id}', 20, 200, 5000);

-- history_timeline
select holdfast.history_timeline('big', '{refunded.checkout_id}', 200);

-- hold_backlog
-- at most 150,000: reads 20,000 active holds of a shop, their checkouts and 10,000 stock levels
select * from holdfast.hold_backlog();

-- hold_backlog: the shops of a node
-- at most 150,000: reads 20,000 active holds of a shop, their checkouts and 10,000 stock levels
select * from holdfast.hold_backlog('{big,s1,s2}');

-- hold_list: everything
-- at most 3,000: 500 holds, and their checkouts
select * from holdfast.hold_list('big', null, null, null, null, '{paid.checkout_id}', 1, 'A', 500,
    5000);

-- hold_list: active holds of a hot sku
-- at most 6,000: reads 5,000 holds, and the checkouts of 500
select * from holdfast.hold_list('big', 'D-1', null, null, 'active', null, null, null, 500, 5000);

-- hold_list: active holds of a customer
-- at most 6,000: reads 5,000 holds
select * from holdfast.hold_list('big', null, null, '{open.customer}', 'active', null, null, null,
    500, 5000);

-- hold_list: a customer
-- at most 25,000: reads 5,000 holds, and their checkouts
select * from holdfast.hold_list('big', null, null, 'customer-1', null, null, null, null, 500,
    5000);

-- hold_list: a rare sku
-- at most 6,000: reads 5,000 holds
select * from holdfast.hold_list('big', 'T-1', null, null, 'consumed', null, null, null, 500, 5000);

-- hold_list: a checkout
select * from holdfast.hold_list('big', null, '{paid.checkout_id}', null, null, null, null, null,
    500, 5000);

-- hold_purge
-- at most 60,000: deletes 2,000 holds and their checkouts
select holdfast.hold_purge('big', interval '30 days', 2000);

-- import_apply: a dry run
-- first: select growth.stage('big', '00000000-0000-4000-8000-00000000{call}')
-- at most 20,000: judges 500 rows
select * from holdfast.import_apply('big', '00000000-0000-4000-8000-00000000{call}', 1,
    'good_rows_only', true, 'clerk', 10000);

-- import_apply
-- first: select growth.stage('big', '00000000-0000-4000-8000-00000000{call}')
-- at most 20,000: judges and writes 500 rows
select * from holdfast.import_apply('big', '00000000-0000-4000-8000-00000000{call}', 1,
    'good_rows_only', false, 'clerk', 10000);

-- import_purge
-- at most 30,000: deletes 20 chunks of 500 rows
select holdfast.import_purge('big', interval '30 days', 20);

-- import_report: a rare outcome
select * from holdfast.import_report('big', md5('import0')::uuid, 'refused', 0, 0, 5000, 100);

-- import_report: a page
select * from holdfast.import_report('big', md5('import0')::uuid, null, 3, 25000, 5000, 100);

-- import_stage
select * from holdfast.import_stage('big', gen_random_uuid(), 1, 'clerk', 500, '{1}', '{NEW-1}',
    '{x}', '{null}', '{null}', '{1}', '{null}', '{null}', '{f}', '{null}', '{f}', '{null}',
    '{null}', '{f}', '{null}', '{7}', '{null}', '{null}');

-- ledger_list: everything
select * from holdfast.ledger_list('big', null, null, null, null, null, null, null, null, null,
    500, 5000);

-- ledger_list: a rare reason
-- at most 6,000: reads 5,000 movements
select * from holdfast.ledger_list('big', null, null, 'missing', null, null, null, null, null,
    null, 500, 5000);

-- ledger_list: an actor of a sku
select * from holdfast.ledger_list('big', 'D-1', null, null, 'nobody', null, null, null, null,
    null, 500, 5000);

-- ledger_list: a reference
select * from holdfast.ledger_list('big', null, '{paid.reference}', null, null, null, null, null,
    null, null, 500, 5000);

-- ledger_list: a sku and a reference
select * from holdfast.ledger_list('big', 'D-1', '{paid.reference}', null, null, null, null, null,
    null, null, 500, 5000);

-- ledger_list: a sku a year ago
select * from holdfast.ledger_list('big', 'D-1', null, null, null, now() - interval '300 days',
    now() - interval '299 days', null, null, null, 500, 5000);

-- ledger_list: the time of the first movement, and a reason
-- at most 6,000: reads 5,000 movements
select * from holdfast.ledger_list('big', null, null, 'received', null, null,
    now() - interval '300 days', null, null, null, 500, 5000);

-- lookup_claim
-- at most 10,000: considers 200 payments at a time
select * from holdfast.lookup_claim('big', 10, 300, 7200, 600, 120);

-- order_amend
call holdfast.order_amend('big', '{desk.checkout_id}', 1, 'dispatcher-1', '{H-2,X-9}', '{2,1}');

-- order_amend_attempt
-- last: rollback
select * from holdfast.order_amend_attempt('big', '{desk.checkout_id}', 1, 'dispatcher-1',
    '{H-2,X-9}', '{2,1}', true);

-- order_book
call holdfast.order_book('big', gen_random_uuid(), 'agency', '\x01', gen_random_uuid(),
    'big-' || left(md5(random()::text), 24), 'C1', 'dispatcher-1', '{H-2,X-9}', '{2,1}');

-- order_book_attempt
-- last: rollback
select * from holdfast.order_book_attempt('big', gen_random_uuid(), 'agency', '\x01',
    gen_random_uuid(), 'big-' || left(md5(random()::text), 24), 'C1', 'dispatcher-1',
    '{H-2,X-9}', '{2,1}', true);

-- order_cancel
select * from holdfast.order_cancel('big', '{desk.checkout_id}', 'dispatcher-1', null);

-- order_create: with a coupon
call holdfast.order_create('big', '{open.checkout_id}', null, '\x01', gen_random_uuid(),
    'big-' || left(md5(random()::text), 24), 'online', 'C1', null, null, false);

-- order_create: a hold that ended
call holdfast.order_create('big', '{expired_open.checkout_id}', null, '\x01', gen_random_uuid(),
    'big-' || left(md5(random()::text), 24), 'online', null, null, null, false);

-- order_create_attempt
-- last: rollback
select * from holdfast.order_create_attempt('big', '{open.checkout_id}', null, '\x01',
    gen_random_uuid(), 'big-' || left(md5(random()::text), 24), 'offline', 'C1', null, null, false,
    true);

-- order_read
select * from holdfast.order_read('big', '{paid.checkout_id}', null);

-- order_restock
select * from holdfast.order_restock('big', '{desk.order_id}', gen_random_uuid(), '\x01', 'clerk',
    null, array['{desk.sku}'], '{1}');

-- outbox_claim: any group
-- at most 10,000: writes 200 messages
select * from holdfast.outbox_claim('big', null, gen_random_uuid(), 200, interval '1 minute');

-- outbox_claim: named groups
select * from holdfast.outbox_claim('big', '{order/{paid.order_id}}', gen_random_uuid(), 50,
    interval '1 minute');

-- outbox_mark
select * from holdfast.outbox_mark('big', gen_random_uuid(), '{order.paid,order.paid}',
    '{{paid.order_id},x}', '{sent,refused}', '{null,busy}');

-- outbox_purge
-- at most 60,000: deletes 2,000 messages, and gives up 2,000 deliveries
select holdfast.outbox_purge('big', interval '30 days', 2000);

-- outbox_waiting
select * from holdfast.outbox_waiting();

-- outbox_waiting: the shops of a node
select * from holdfast.outbox_waiting('{big,s1,s2}');
