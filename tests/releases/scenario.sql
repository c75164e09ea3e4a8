-- What a release's database is made of, and how its routines answer: every routine that a function
-- calls at least once, every table in every state that it can be in. The tests play it on a fresh
-- database, each statement as a role that may call its routine, or as the owner. At its end they
-- call every plain read that is missing here, with the values of order 9
-- (tests/support/released.rs): a read needs a call here only if it takes other values, or answers
-- ages. A recording keeps statements and answers, so this file may change. Ids of the caller begin
-- with 00000000; times and other ids are not compared.

-- A shop of dresses and one of seats.

select * from holdfast.shop_put('bridal', 'Bridal wear', 'INR', 1200, 1800, 1800, 3);
select * from holdfast.shop_put('coach', 'Coaches', 'INR', 1200, 1800, 1800, null);
select * from holdfast.sku_put('bridal', 'GOWN-S', 'Gown, small', '{"kind": "dress"}', 500000,
    2, null, null, 2, null, 'INR');
select * from holdfast.sku_put('bridal', 'GOWN-M', 'Gown, medium', '{"kind": "dress"}', 500000,
    0, null, null, null, null, null);
select * from holdfast.sku_put('bridal', 'VEIL', 'Veil', '{"kind": "dress"}', 90000,
    1, null, null, null, null, null);
select * from holdfast.sku_put('bridal', 'OLD', 'Last year''s', '{"kind": "dress"}', 10000,
    0, null, null, null, null, null);
select * from holdfast.sku_put('bridal', 'LATER', 'Next year''s', '{"kind": "dress"}', 10000,
    0, '2099-01-01', null, null, null, null);
select * from holdfast.sku_put('coach', 'GOA-0700', 'Goa, 07:00', '{}', 120000,
    0, null, null, null, null, null);
select * from holdfast.sku_put('coach', 'GOA-1900', 'Goa, 19:00', '{}', 120000,
    0, null, null, null, null, null);
select * from holdfast.sku_put('coach', 'GOA-LATE', 'Goa, 23:00', '{}', 120000,
    0, null, null, null, null, null, '2099-01-01 17:30:00+00');
select * from holdfast.shop_put('coach', 'Coaches', 'INR', 1200, 1800, 1800, null,
    p_time_zone => 'Asia/Kolkata');
select * from holdfast.departure_list('coach', '2099-01-01', 1, null, null, 10, 100);
select holdfast.departure_near('coach', 'GOA-LATE', 1, 10, 100);
select holdfast.sku_find('bridal', 'gown s', 10, 100);
select o_outcome from holdfast.sku_close('bridal', 'LATER', 'meera');
select o_outcome from holdfast.sku_close('coach', 'NONE', 'meera');
select holdfast.sku_retire('bridal', 'OLD');
select * from holdfast.stock_receive('bridal', 'GOWN-S', 10, null, 'meera', 'PO-1', null,
    '00000000-0000-4000-8000-000000000901');
select * from holdfast.stock_receive('bridal', 'GOWN-M', 3, null, 'meera', 'PO-1', null,
    '00000000-0000-4000-8000-000000000902');
select * from holdfast.stock_receive('bridal', 'VEIL', 20, null, 'meera', 'PO-1', null,
    '00000000-0000-4000-8000-000000000903');
select * from holdfast.stock_receive('coach', 'GOA-0700', 12, null, 'meera', 'PO-1', null,
    '00000000-0000-4000-8000-000000000904');
select * from holdfast.stock_receive('coach', 'GOA-1900', 12, null, 'meera', 'PO-1', null,
    '00000000-0000-4000-8000-000000000905');
select * from holdfast.stock_receive('bridal', 'GOWN-S', 10, null, 'meera', 'PO-1', null,
    '00000000-0000-4000-8000-000000000901');
select * from holdfast.stock_adjust('bridal', 'VEIL', -1, null, 'adjusted', 'meera', 'count',
    'torn',
    '00000000-0000-4000-8000-000000000910');
select * from holdfast.stock_adjust('bridal', 'VEIL', 5, 99, 'adjusted', 'meera', 'count', null,
    '00000000-0000-4000-8000-000000000911');
select * from holdfast.stock_set('bridal', 'VEIL', 20, null, 'meera', 'count', null,
    '00000000-0000-4000-8000-000000000912');
select * from holdfast.coupon_put('bridal', 'TEN', 'percent', 1000, 0, null, null, 100, 1, null);
select * from holdfast.coupon_put('bridal', 'VEILS', 'fixed', 5000, 0, null, null, null, null,
    '{VEIL}');
select * from holdfast.coupon_put('bridal', 'OVER', 'fixed', 5000, 0, null, '2020-01-01', null,
    null, null);

-- Announcements: one subscriber wants all of them, one a few, one is deleted.
select * from holdfast.announcement_put('bridal', true);
select * from holdfast.announcement_put('nowhere', true);
select * from holdfast.subscriber_put('bridal', 'books', 'https://books.example/in', null);
select * from holdfast.subscriber_put('bridal', 'shelf', 'https://shelf.example/in',
    '{stock.low,stock.back}');
select * from holdfast.subscriber_put('bridal', 'shelf', 'https://shelf.example/new',
    '{stock.low,stock.back}');
select * from holdfast.subscriber_put('bridal', 'tired', 'https://tired.example/in', null);
select * from holdfast.subscriber_put('nowhere', 'books', 'https://books.example/in', null);
select holdfast.subscriber_delete('bridal', 'tired');
select holdfast.subscriber_delete('bridal', 'tired');

-- Checkout 1 stays open, after a replacement.

call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000001', 'asha', 1,
    '\x01', null, '{GOWN-S}', '{1}');
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000001', 'asha', 2,
    '\xa1', null, '{GOWN-S,VEIL}', '{1,2}');
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000001', 'asha', 2,
    '\xa1', null, '{GOWN-S,VEIL}', '{1,2}');
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000001', 'asha', 1,
    '\x01', null, '{GOWN-S}', '{1}');
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000001', 'ravi', 1,
    '\x01', null, '{GOWN-S}', '{1}');
select * from holdfast.checkout_extend('bridal', '00000000-0000-4000-8000-000000000001', 'asha',
    1500);
select * from holdfast.checkout_extend('bridal', '00000000-0000-4000-8000-000000000001', null,
    86000);
select * from holdfast.checkout_extend('bridal', '00000000-0000-4000-8000-000000000001', 'ravi',
    1500);
select * from holdfast.checkout_read('bridal', '00000000-0000-4000-8000-000000000001', 'asha');

-- What is refused.
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000011', 'ravi', 1,
    '\x0b', null, '{GOWN-M,VEIL}', '{4,1}');
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000012', 'ravi', 1,
    '\x0c', null, '{NONE}', '{1}');
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000013', 'ravi', 1,
    '\x0d', null, '{LATER}', '{1}');
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000013', 'ravi', 1,
    '\x0d', null, '{OLD}', '{1}');
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000014', 'asha', 1,
    '\x0e', null, '{GOWN-S}', '{2}');
call holdfast.checkout_begin('nowhere', '00000000-0000-4000-8000-000000000015', 'c', 1,
    '\x0f', null, '{X}', '{1}');

-- Two at once, and two that a batch can't decide: a known checkout, and a sku that does not exist.
-- One asks for more than there is.
call holdfast.checkout_begin_many('bridal',
    '{00000000-0000-4000-8000-000000000031, 00000000-0000-4000-8000-000000000032,
    00000000-0000-4000-8000-000000000001, 00000000-0000-4000-8000-000000000034,
    00000000-0000-4000-8000-000000000033}',
    '{wren, xena, asha, yuki, zoya}', '{1, 1, 1, 1, 1}',
    '{"\\x1f", "\\x20", "\\x01", "\\x22", "\\x21"}', '{null, 600, null, null, null}',
    '{GOWN-S, NONE}', '{1, 2, 3, 4, 5}', '{1, 1, 1, 2, 1}', '{1, 1, 1, 1, 99999}');

-- Checkout 2 is released, 3 expires.
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000002', 'bina', 1,
    '\x02', null, '{GOWN-S}', '{1}');
select * from holdfast.checkout_release('bridal', '00000000-0000-4000-8000-000000000002', 'bina');
select * from holdfast.checkout_release('bridal', '00000000-0000-4000-8000-000000000002', null);
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000032', 'stranger', 1,
    '\x32', null, '{GOWN-S}', '{1}');
select * from holdfast.checkout_revoke('bridal', '00000000-0000-4000-8000-000000000032', 'meera',
    'kept from others');
select * from holdfast.checkout_revoke('bridal', '00000000-0000-4000-8000-000000000032', 'meera',
    'kept from others');
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000003', 'bina', 1,
    '\x03', null, '{GOWN-S}', '{1}');

with due as (
    update holdfast.checkouts set expires_at = now() - interval '1 second'
    where shop = 'bridal' and checkout_id = '00000000-0000-4000-8000-000000000003'
    returning shop, checkout_id, expires_at)
update holdfast.holds h set expires_at = d.expires_at from due d
where h.shop = d.shop and h.checkout_id = d.checkout_id and h.status = 'active';

select * from holdfast.sweep_expire('bridal', 200, '{}');
select * from holdfast.checkout_extend('bridal', '00000000-0000-4000-8000-000000000003', null,
    null);

-- Order 4 waits for its payment.
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000004', 'chitra', 1,
    '\x04', null, '{GOWN-S}', '{1}');
call holdfast.order_create('bridal', '00000000-0000-4000-8000-000000000004', 'chitra', '\x04',
    '00000000-0000-4000-8000-000000001004', 'bridal-four', 'online', 'TEN',
    '{"recipient": "Chitra", "phone": "+910000000004", "lines": ["4 Lane"], "city": "Goa",
    "postal_code": "403001", "country": "IN"}',
    '00000000-0000-4000-8000-000000002004', true);
call holdfast.order_create('bridal', '00000000-0000-4000-8000-000000000004', 'chitra', '\x04',
    '00000000-0000-4000-8000-000000001004', 'bridal-four', 'online', 'TEN',
    '{"recipient": "Chitra", "phone": "+910000000004", "lines": ["4 Lane"], "city": "Goa",
    "postal_code": "403001", "country": "IN"}',
    '00000000-0000-4000-8000-000000002004', true);
select holdfast.order_read('bridal', '00000000-0000-4000-8000-000000000004', 'chitra');
select holdfast.order_read('bridal', '00000000-0000-4000-8000-000000000004', 'asha');
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000016', 'chitra', 1,
    '\x10', null, '{VEIL}', '{1}');
call holdfast.order_create('bridal', '00000000-0000-4000-8000-000000000016', 'chitra', '\x10',
    '00000000-0000-4000-8000-000000001016', 'bridal-sixteen', 'online', 'TEN', null,
    null, false);
call holdfast.order_create('bridal', '00000000-0000-4000-8000-000000000016', 'chitra', '\x10',
    '00000000-0000-4000-8000-000000001016', 'bridal-sixteen', 'online', 'OVER', null,
    null, false);
call holdfast.order_create('bridal', '00000000-0000-4000-8000-000000000016', 'chitra', '\x10',
    '00000000-0000-4000-8000-000000001016', 'bridal-sixteen', 'online', 'NONE', null,
    null, false);

-- Order 5 is paid, and paid again; 6 failed, 7 dropped, 8 is paid too little.
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000005', 'devi', 1,
    '\x05', null, '{GOWN-S}', '{1}');
call holdfast.order_create('bridal', '00000000-0000-4000-8000-000000000005', 'devi', '\x05',
    '00000000-0000-4000-8000-000000001005', 'bridal-five', 'online', null, null,
    null, false);
call holdfast.payment_record_event('bridal', 'cashfree', 'paid:5', 'bridal-five', 'paid',
    500000, 'INR', 'p5', '{"of": "paid:5"}', null, null, null, null);
call holdfast.payment_record_event('bridal', 'cashfree', 'paid:5', 'bridal-five', 'paid',
    500000, 'INR', 'p5', '{"of": "paid:5"}', null, null, null, null);
call holdfast.payment_record_event('bridal', 'cashfree', 'paid:5b', 'bridal-five', 'paid',
    500000, 'INR', 'p5b', '{"of": "paid:5b"}', null, null, null, null);
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000006', 'esha', 1,
    '\x06', null, '{VEIL}', '{1}');
call holdfast.order_create('bridal', '00000000-0000-4000-8000-000000000006', 'esha', '\x06',
    '00000000-0000-4000-8000-000000001006', 'bridal-six', 'online', 'VEILS', null,
    null, false);
call holdfast.payment_record_event('bridal', 'cashfree', 'failed:6', 'bridal-six', 'failed',
    85000, 'INR', 'p6', '{"of": "failed:6"}', null, null, null, null);
call holdfast.payment_record_event('bridal', 'cashfree', 'dropped:6', 'bridal-six', 'dropped',
    85000, 'INR', 'p6b', '{"of": "dropped:6"}', null, null, null, null);
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000007', 'farah', 1,
    '\x07', null, '{VEIL}', '{1}');
call holdfast.order_create('bridal', '00000000-0000-4000-8000-000000000007', 'farah', '\x07',
    '00000000-0000-4000-8000-000000001007', 'bridal-seven', 'online', null, null,
    null, false);
call holdfast.payment_record_event('bridal', 'cashfree', 'dropped:7', 'bridal-seven', 'dropped',
    90000, 'INR', 'p7', '{"of": "dropped:7"}', null, null, null, null);
call holdfast.payment_record_event('bridal', 'cashfree', 'pending:7', 'bridal-seven', 'pending',
    90000, 'INR', 'p7b', '{"of": "pending:7"}', null, null, null, null);
call holdfast.payment_record_event('bridal', 'cashfree', 'other:7', 'bridal-seven', 'other',
    90000, 'INR', 'p7c', '{"of": "other:7"}', null, null, null, null);
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000008', 'gita', 1,
    '\x08', null, '{VEIL}', '{1}');
call holdfast.order_create('bridal', '00000000-0000-4000-8000-000000000008', 'gita', '\x08',
    '00000000-0000-4000-8000-000000001008', 'bridal-eight', 'online', null, null,
    null, false);
call holdfast.payment_record_event('bridal', 'cashfree', 'paid:8', 'bridal-eight', 'paid',
    100, 'INR', 'p8', '{"of": "paid:8"}', null, null, null, null);

-- Two at once: one pays its order, and one is of no order.
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000035', 'abha', 1,
    '\x23', null, '{VEIL}', '{1}');
call holdfast.order_create('bridal', '00000000-0000-4000-8000-000000000035', 'abha', '\x23',
    '00000000-0000-4000-8000-000000001035', 'bridal-thirtyfive', 'online', null, null,
    null, false);
call holdfast.payment_record_events('bridal', '[
    {"gateway": "cashfree", "event_key": "paid:35", "reference": "bridal-thirtyfive",
        "kind": "paid", "amount_minor": 90000, "currency": "INR", "gateway_payment_id": "p35",
        "payload": "{\"of\": \"paid:35\"}"},
    {"gateway": "cashfree", "event_key": "paid:36", "reference": "bridal-thirtysix",
        "kind": "paid", "amount_minor": 90000, "currency": "INR", "gateway_payment_id": "p36",
        "payload": "{\"of\": \"paid:36\"}"}]');

call holdfast.payment_accept('bridal', '00000000-0000-4000-8000-000000001007', 100, 'meera',
    'too early');
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000023', 'pia', 1,
    '\x17', null, '{VEIL}', '{1}');
call holdfast.order_create('bridal', '00000000-0000-4000-8000-000000000023', 'pia', '\x17',
    '00000000-0000-4000-8000-000000001023', 'bridal-twentythree', 'online', null, null,
    null, false, 'cashfree', true);
call holdfast.payment_record_event('bridal', 'cashfree', 'paid:23', 'bridal-twentythree', 'paid',
    90001, 'INR', 'p23', '{"of": "paid:23"}', null, null, null, null);
call holdfast.payment_accept('bridal', '00000000-0000-4000-8000-000000001023', 90001, 'meera',
    'one too much');

-- Order 9 is paid late and completed, 10 is paid late and owed back, 17 expires.
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000009', 'hema', 1,
    '\x09', null, '{VEIL}', '{1}');
call holdfast.order_create('bridal', '00000000-0000-4000-8000-000000000009', 'hema', '\x09',
    '00000000-0000-4000-8000-000000001009', 'bridal-nine', 'online', null, null,
    null, false);

with due as (
    update holdfast.checkouts set expires_at = now() - interval '1 second'
    where shop = 'bridal' and checkout_id = '00000000-0000-4000-8000-000000000009'
    returning shop, checkout_id, expires_at)
update holdfast.holds h set expires_at = d.expires_at from due d
where h.shop = d.shop and h.checkout_id = d.checkout_id and h.status = 'active';

call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000010', 'indu', 1,
    '\x0a', null, '{GOWN-M}', '{3}');
call holdfast.order_create('bridal', '00000000-0000-4000-8000-000000000010', 'indu', '\x0a',
    '00000000-0000-4000-8000-000000001010', 'bridal-ten', 'online', null, null,
    null, false);

with due as (
    update holdfast.checkouts set expires_at = now() - interval '1 second'
    where shop = 'bridal' and checkout_id = '00000000-0000-4000-8000-000000000010'
    returning shop, checkout_id, expires_at)
update holdfast.holds h set expires_at = d.expires_at from due d
where h.shop = d.shop and h.checkout_id = d.checkout_id and h.status = 'active';

call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000017', 'jaya', 1,
    '\x11', null, '{VEIL}', '{1}');
call holdfast.order_create('bridal', '00000000-0000-4000-8000-000000000017', 'jaya', '\x11',
    '00000000-0000-4000-8000-000000001017', 'bridal-seventeen', 'online', null, null,
    null, false);

with due as (
    update holdfast.checkouts set expires_at = now() - interval '1 second'
    where shop = 'bridal' and checkout_id = '00000000-0000-4000-8000-000000000017'
    returning shop, checkout_id, expires_at)
update holdfast.holds h set expires_at = d.expires_at from due d
where h.shop = d.shop and h.checkout_id = d.checkout_id and h.status = 'active';

select * from holdfast.sweep_expire('bridal', 200, '{}');
call holdfast.payment_record_event('bridal', 'cashfree', 'paid:9', 'bridal-nine', 'paid',
    90000, 'INR', 'p9', '{"of": "paid:9"}', null, null, null, null);
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000018', 'kamal', 1,
    '\x12', null, '{GOWN-M}', '{2}');
call holdfast.payment_record_event('bridal', 'cashfree', 'paid:10', 'bridal-ten', 'paid',
    1500000, 'INR', 'p10', '{"of": "paid:10"}', null, null, null, null);

-- Money for orders that nobody knows.
call holdfast.payment_record_event('bridal', 'cashfree', 'paid:parked', 'bridal-nobody', 'paid',
    100, 'INR', 'p98', '{"of": "paid:parked"}', null, null, null, null);
call holdfast.payment_record_event('bridal', 'cashfree', 'paid:aside', 'bridal-another', 'paid',
    100, 'INR', 'p99', '{"of": "paid:aside"}', null, null, null, null);
call holdfast.payment_record_event('bridal', 'cashfree', 'paid:parked', 'bridal-nobody', 'paid',
    200, 'INR', 'p98', '{"of": "another sum"}', null, null, null, null);
select kind, reference from holdfast.payment_parked_events('bridal', 10);
select o_parked from holdfast.backlog_read();

select holdfast.payment_event_dismiss('bridal', 'cashfree', 'paid:aside', 'meera');

-- Paid at once, by a token that may.

call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000019', 'lata', 1,
    '\x13', null, '{VEIL}', '{2}');
call holdfast.order_create('bridal', '00000000-0000-4000-8000-000000000019', 'lata', '\x13',
    '00000000-0000-4000-8000-000000001019', 'bridal-nineteen', 'offline', 'VEILS', null,
    null, false);
select o_outcome from holdfast.shop_put('bridal', 'Bridal wear', 'INR', 1200, 1800, 1800, 3,
    p_offline_allowed => true);
call holdfast.order_create('bridal', '00000000-0000-4000-8000-000000000019', 'lata', '\x13',
    '00000000-0000-4000-8000-000000001019', 'bridal-nineteen', 'offline', 'VEILS', null,
    null, false);

-- Orders at a gateway: 6 and 4 have one, 17 has expired, 22 is let go with one.
select * from holdfast.gateway_order_put('bridal', 'bridal-six', 'cashfree', 'go6',
    '{"session": "s6"}', 1800);
select * from holdfast.gateway_order_put('bridal', 'bridal-six', 'cashfree', 'go6',
    '{"session": "s6"}', 1800);
select * from holdfast.gateway_order_put('bridal', 'bridal-six', 'cashfree', 'go6b',
    '{"session": "s6b"}', 1800);
select * from holdfast.gateway_order_put('bridal', 'bridal-four', 'cashfree', 'go6',
    '{"session": "s6"}', 1800);
select * from holdfast.gateway_order_put('bridal', 'bridal-seventeen', 'cashfree', 'go17',
    '{"session": "s17"}', null);
select * from holdfast.gateway_order_put('bridal', 'bridal-none', 'cashfree', 'go0',
    '{"session": "s0"}', null);
select holdfast.gateway_order_read('bridal', 'bridal-six', 'cashfree');
select holdfast.gateway_order_read('bridal', 'bridal-six', 'stripe');
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000022', 'nila', 1,
    '\x16', null, '{VEIL}', '{1}');
call holdfast.order_create('bridal', '00000000-0000-4000-8000-000000000022', 'nila', '\x16',
    '00000000-0000-4000-8000-000000001022', 'bridal-twentytwo', 'online', null, null,
    null, false);
select * from holdfast.gateway_order_put('bridal', 'bridal-twentytwo', 'cashfree', 'go22',
    '{"session": "s22"}', null);
select * from holdfast.checkout_release('bridal', '00000000-0000-4000-8000-000000000022', 'nila');
select * from holdfast.gateway_order_claim('bridal', '00000000-0000-4000-8000-000000000022');
select * from holdfast.gateway_order_due('bridal', 10, 0);
select * from holdfast.gateway_order_close('bridal', 'cashfree', 'go22');
select * from holdfast.gateway_order_close('bridal', 'cashfree', 'go22');
select * from holdfast.gateway_order_close('bridal', 'cashfree', 'go0');

-- Order 21 is paid, and all of it goes back with its goods; some of order 9 does, and fails.
call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000021', 'oma', 1,
    '\x15', null, '{VEIL}', '{1}');
call holdfast.order_create('bridal', '00000000-0000-4000-8000-000000000021', 'oma', '\x15',
    '00000000-0000-4000-8000-000000001021', 'bridal-twentyone', 'online', null, null,
    null, false);
call holdfast.payment_record_event('bridal', 'cashfree', 'paid:21', 'bridal-twentyone', 'paid',
    90000, 'INR', 'p21', '{"of": "paid:21"}', null, null, null, '{"via": "webhook"}');
select * from holdfast.refund_request('bridal', '00000000-0000-4000-8000-000000001021',
    '00000000-0000-4000-8000-000000000951', '\x51', 'meera', 'torn', null, null, '{VEIL}', '{1}');
select * from holdfast.refund_request('bridal', '00000000-0000-4000-8000-000000001021',
    '00000000-0000-4000-8000-000000000951', '\x51', 'meera', 'torn', null, null, '{VEIL}', '{1}');
select * from holdfast.refund_request('bridal', '00000000-0000-4000-8000-000000001021',
    '00000000-0000-4000-8000-000000000952', '\x52', 'meera', 'more', 100, null, null, null);
select * from holdfast.refund_request('bridal', '00000000-0000-4000-8000-000000001019',
    '00000000-0000-4000-8000-000000000952', '\x52', 'meera', 'paid here', 100, null, null, null);
select * from holdfast.refund_request('bridal', '00000000-0000-4000-8000-000000001009',
    '00000000-0000-4000-8000-000000000953', '\x53', 'meera', 'late', 1000, 'p9', null, null);
select * from holdfast.refund_request('bridal', '00000000-0000-4000-8000-000000001009',
    '00000000-0000-4000-8000-000000000954', '\x54', 'meera', 'later', 2000, 'p9', null, null);
select * from holdfast.refund_request('bridal', '00000000-0000-4000-8000-000000001009',
    '00000000-0000-4000-8000-000000000955', '\x55', 'meera', 'late', 3000, 'p9', null, null);
select * from holdfast.refund_request('bridal', '00000000-0000-4000-8000-000000001009',
    '00000000-0000-4000-8000-000000000956', '\x56', 'meera', 'late', 4000, null, null, null);
select * from holdfast.refund_claim('bridal', 10) order by o_amount_minor;
select * from holdfast.refund_report('bridal', '00000000-0000-4000-8000-000000000951', 'pending',
    'r951', null);
select * from holdfast.refund_report('bridal', '00000000-0000-4000-8000-000000000951', 'settled',
    'r951', null);
select * from holdfast.refund_report('bridal', '00000000-0000-4000-8000-000000000951', 'settled',
    'r951', null);
select * from holdfast.refund_report('bridal', '00000000-0000-4000-8000-000000000953', 'failed',
    null, 'account closed');
select * from holdfast.refund_report('bridal', '00000000-0000-4000-8000-000000000954', 'pending',
    'r954', null);
select * from holdfast.refund_report('bridal', '00000000-0000-4000-8000-000000000956', 'pending',
    'r956', null);
select holdfast.refund_untried('bridal', '{00000000-0000-4000-8000-000000000955}', '{1}');
select o_failed from holdfast.refund_backlog();
select * from holdfast.refund_list('bridal', 'failed', null, null, 10, 1000);
select * from holdfast.refund_retry('bridal', '00000000-0000-4000-8000-000000000954', 'meera');
select * from holdfast.refund_retry('bridal', '00000000-0000-4000-8000-000000000957', 'meera');
select * from holdfast.refund_retry('bridal', '00000000-0000-4000-8000-000000000953', 'meera');
select * from holdfast.refund_report('bridal', '00000000-0000-4000-8000-000000000954', 'failed',
    'r954', 'account closed');
call holdfast.payment_record_event('bridal', 'cashfree', 'refund:9', 'bridal-nine',
    'refund_settled', 500, 'INR', 'p9', '{"of": "refund:9"}', null, null, 'r9', null);
call holdfast.payment_record_event('bridal', 'cashfree', 'dispute:21', 'bridal-twentyone',
    'disputed', 90000, 'INR', 'p21', '{"of": "dispute:21"}', null, null, null, null);
call holdfast.payment_record_event('bridal', 'cashfree', 'won:21', 'bridal-twentyone',
    'dispute_won', 90000, 'INR', 'p21', '{"of": "won:21"}', null, null, null, null, 'd1',
    'inquiry', null);
call holdfast.payment_record_event('bridal', 'cashfree', 'lost:21', 'bridal-twentyone',
    'dispute_lost', 90000, 'INR', 'p21', '{"of": "lost:21"}', null, null, null, null, 'd2',
    'dispute', null);
call holdfast.payment_record_event('bridal', 'cashfree', 'closed:21', 'bridal-twentyone',
    'dispute_closed', 90000, 'INR', 'p21', '{"of": "closed:21"}', null, null, null, null, 'd3',
    'pre_arbitration', null);
call holdfast.payment_record_event('bridal', 'cashfree', 'again:21', 'bridal-twentyone',
    'disputed', 90000, 'INR', 'p21', '{"of": "again:21"}', null, null, null, null, 'd4',
    'arbitration', 'ch21');
select * from holdfast.refund_request('bridal', '00000000-0000-4000-8000-000000001021',
    '00000000-0000-4000-8000-000000000958', '\x58', 'meera', 'more', 100, null, null, null);
select holdfast.refund_overview('bridal', '00000000-0000-4000-8000-000000001009');
select holdfast.payment_redrive('bridal', 'cashfree', 'other:7', 'meera');
select holdfast.payment_redrive('bridal', 'cashfree', 'other:none', 'meera');
select * from holdfast.payment_event_retry('bridal', 'cashfree', 'other:7', 'meera');
select * from holdfast.payment_event_retry('bridal', 'cashfree', 'other:none', 'meera');
select * from holdfast.lookup_claim('bridal', 10, 3600, 7200, 3600, 60) order by o_reference;

-- Announcements are sent, refused and told to subscribers.
select o_group, o_topic, o_subject, o_body from holdfast.outbox_claim('bridal',
    '{order/00000000-0000-4000-8000-000000001019}', '00000000-0000-4000-8000-00000000a001', 5,
    make_interval(mins => 2));
select holdfast.outbox_mark('bridal', '00000000-0000-4000-8000-00000000a001', '{order.paid}',
    '{00000000-0000-4000-8000-000000001019}', '{sent}', '{null}');
select o_group, o_topic, o_subject, o_body from holdfast.outbox_claim('bridal', null,
    '00000000-0000-4000-8000-00000000a002', 3, make_interval(mins => 2));
select holdfast.outbox_purge('bridal', make_interval(days => 30), 100);
select o_name, o_url, o_topic, o_subject, o_body from holdfast.subscriber_claim('bridal', 2)
    order by o_name, o_subject;
select holdfast.subscriber_mark('bridal', 'books', '{order.paid}',
    '{00000000-0000-4000-8000-000000001005}', '{delivered}', '{null}');
select holdfast.subscriber_mark('bridal', 'shelf', '{stock.low}', '{GOWN-M@2}', '{failed}',
    '{500}');
select o_given_up from holdfast.subscriber_backlog();

-- The seat desk.

call holdfast.order_book('coach', '00000000-0000-4000-8000-000000000031', 'party1', '\x1f',
    '00000000-0000-4000-8000-000000001031', 'coach-b31', null, 'dina', '{GOA-0700}', '{4}');
call holdfast.order_book('coach', '00000000-0000-4000-8000-000000000031', 'party1', '\x1f',
    '00000000-0000-4000-8000-000000001031', 'coach-b31', null, 'dina', '{GOA-0700}', '{4}');
call holdfast.order_book('coach', '00000000-0000-4000-8000-000000000032', 'party2', '\x20',
    '00000000-0000-4000-8000-000000001032', 'coach-b32', null, 'dina', '{GOA-0700}', '{9}');
call holdfast.order_book('coach', '00000000-0000-4000-8000-000000000033', 'party3', '\x21',
    '00000000-0000-4000-8000-000000001033', 'coach-b33', null, 'dina', '{GOA-1900}', '{2}');
call holdfast.order_book('coach', '00000000-0000-4000-8000-000000000034', 'party4', '\x22',
    '00000000-0000-4000-8000-000000001034', 'coach-b34', null, 'dina', '{GOA-1900}', '{1}');
call holdfast.order_amend('coach', '00000000-0000-4000-8000-000000000031', 1, 'dina',
    '{GOA-1900}', '{3}');
call holdfast.order_amend('coach', '00000000-0000-4000-8000-000000000031', 1, 'dina',
    '{GOA-1900}', '{2}');
select * from holdfast.order_cancel('coach', '00000000-0000-4000-8000-000000000033', 'dina', null);
select * from holdfast.order_cancel('coach', '00000000-0000-4000-8000-000000000039', 'dina', null);
select * from holdfast.order_restock('coach', '00000000-0000-4000-8000-000000001034',
    '00000000-0000-4000-8000-000000000934', '\x34', 'dina',
    'missed it', '{GOA-1900}', '{1}');
select * from holdfast.order_restock('coach', '00000000-0000-4000-8000-000000001034',
    '00000000-0000-4000-8000-000000000935', '\x35', 'dina',
    'again', '{GOA-1900}', '{1}');
select holdfast.sku_manifest('coach', 'GOA-1900', null, null, 50);

-- What is missing while it is held: the newest hold goes.

call holdfast.checkout_begin('bridal', '00000000-0000-4000-8000-000000000020', 'mira', 1,
    '\x14', null, '{GOWN-M}', '{1}');

call holdfast.stock_shrink('bridal', 'GOWN-M', 1, null, 'meera', 'CLAIM-1', 'water',
    '00000000-0000-4000-8000-000000000920', true);
call holdfast.stock_shrink('bridal', 'GOWN-M', 1, null, 'meera', 'CLAIM-1', 'water',
    '00000000-0000-4000-8000-000000000920', false);

-- Imports: one that is done, one that is refused, one that is tried, one that has begun.
select * from holdfast.import_stage('bridal', '00000000-0000-4000-8000-000000000041', 1,
    'meera', 500,
    '{2,3}', '{NEW-1,NEW-2}', '{A title,A title}', '{null,null}', '{null,null}',
    '{100,200}', '{null,null}', '{null,null}', '{f,f}', '{null,null}', '{f,f}',
    '{null,null}', '{null,null}', '{f,f}', '{null,null}', '{5,6}', '{null,null}', '{null,null}');
select * from holdfast.import_apply('bridal', '00000000-0000-4000-8000-000000000041', 1,
    'good_rows_only', false, 'meera', 10000);
select * from holdfast.import_apply('bridal', '00000000-0000-4000-8000-000000000041', 1,
    'good_rows_only', false, 'meera', 10000);
select * from holdfast.import_stage('bridal', '00000000-0000-4000-8000-000000000042', 1,
    'meera', 500,
    '{2,3}', '{NEW-3,VEIL}', '{A title,A title}', '{null,null}', '{null,null}',
    '{100,90000}', '{null,null}', '{null,null}', '{f,f}', '{null,null}', '{f,f}',
    '{null,null}', '{null,null}', '{f,f}', '{null,null}', '{5,6}', '{null,99}', '{null,null}');
select * from holdfast.import_apply('bridal', '00000000-0000-4000-8000-000000000042', 1,
    'all_or_nothing', false, 'meera', 10000);
select * from holdfast.import_apply('bridal', '00000000-0000-4000-8000-000000000042', 1,
    'all_or_nothing', false, 'meera', 10000);
select * from holdfast.import_stage('bridal', '00000000-0000-4000-8000-000000000043', 1,
    'meera', 500,
    '{2}', '{NEW-4}', '{A title}', '{null}', '{null}',
    '{100}', '{null}', '{null}', '{f}', '{null}', '{f}',
    '{null}', '{null}', '{f}', '{null}', '{5}', '{null}', '{null}');
select * from holdfast.import_apply('bridal', '00000000-0000-4000-8000-000000000043', 1,
    'good_rows_only', true, 'meera', 10000);
select * from holdfast.import_apply('bridal', '00000000-0000-4000-8000-000000000043', 1,
    'good_rows_only', true, 'meera', 10000);
select * from holdfast.import_stage('bridal', '00000000-0000-4000-8000-000000000044', 1,
    'meera', 500,
    '{2}', '{NEW-5}', '{A title}', '{null}', '{null}',
    '{100}', '{null}', '{null}', '{f}', '{null}', '{f}',
    '{null}', '{null}', '{f}', '{null}', '{5}', '{null}', '{null}');
select * from holdfast.import_stage('bridal', '00000000-0000-4000-8000-000000000045', 1,
    'meera', 500,
    '{2}', '{NEW-6}', '{A title}', '{null}', '{null}',
    '{100}', '{null}', '{null}', '{f}', '{null}', '{f}',
    '{null}', '{null}', '{f}', '{null}', '{5}', '{null}', '{null}');
select * from holdfast.import_apply('bridal', '00000000-0000-4000-8000-000000000045', 1,
    'good_rows_only', false, 'meera', 10000);

-- What the office reads.
select * from holdfast.import_report('bridal', '00000000-0000-4000-8000-000000000042', null, 0, 0,
    100, 100);
select * from holdfast.sku_export('bridal', 'NEW', 10);
select * from holdfast.hold_list('bridal', 'GOWN-M', null, null, 'active', null, null, null,
    10, 1000);
select * from holdfast.ledger_list('bridal', 'VEIL', null, 'sold', null, null, null, null, null,
    null,
    10, 1000);
select * from holdfast.history_search('bridal', 'bridal-five', null, 10, 50, 1000);

-- What a sweep does.
select holdfast.hold_purge('bridal', make_interval(days => 30), 100);
select holdfast.import_purge('bridal', make_interval(days => 30), 100);
select promise, shop, violation from holdfast.promises_check('bridal');
select promise, shop, violation from holdfast.promises_check('coach');
select o_violations from holdfast.promises_recheck('bridal');
select shop, broken from holdfast.promises_due();
select * from holdfast.promises_sweep('bridal', 'changed', 500);
select * from holdfast.promises_sweep('bridal', 'history', 1000);
select * from holdfast.promises_list('bridal', null, null, null, 100, 1000);

-- What the pages of staff read, where ages and the ids of messages differ in every run.

select holdfast.subscriber_test('bridal', 'shelf', '00000000-0000-4000-8000-000000000971', 'meera');
select holdfast.subscriber_test('bridal', 'nobody', '00000000-0000-4000-8000-000000000971', 'a');
select holdfast.subscriber_enable('bridal', 'shelf', '2026-01-01 00:00:00+00') ->> 'disabled_at';
select holdfast.delivery_resend('bridal', 'shelf', 'subscriber.test',
    'shelf:00000000-0000-4000-8000-000000000971', null, 'meera');
select holdfast.delivery_resend('bridal', 'shelf', 'order.paid', 'none', null, 'meera');
select d ->> 'type', d ->> 'status', d ->> 'subject'
from holdfast.delivery_list('bridal', 'shelf', null, null, null, 1) l,
    jsonb_array_elements(l.o_deliveries) d;
select holdfast.health_read('bridal') ->> 'parked';
