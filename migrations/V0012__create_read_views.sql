-- Views for a person who reads by SQL, as holdfast_readonly. Rejected: the tables themselves and
-- the read routines, because both show who the customer is. The views leave out:
-- - customers, addresses, payloads of gateways and messages, and notes;
-- - names of clerks and dispatchers: the stock office shows them, and knows its caller;
-- - checkout ids: without a token, the id is the right to read and release the checkout, and to
--   read its order with the address. `checkout` is a fingerprint of the id, the same in every view:
--   left(md5('<the id>'), 16).
-- They name their columns one by one, so a new column of a table is never shown by accident. A
-- migration that drops or retypes a column drops its view first, and makes it again.

create view holdfast_read.shops as
select shop, name, currency, hold_s_default, hold_s_max, order_hold_s_untried, order_hold_s,
    units_per_cart_max, units_per_line_max, checkouts_per_customer_max, customers_folded,
    offline_allowed, created_at
from holdfast.shops;

create view holdfast_read.skus as
select shop, sku, title, attributes, price_minor, sale_opens_at, sale_closes_at, retired_at,
    limit_per_customer, created_at
from holdfast.skus;

create view holdfast_read.stock_levels as
select shop, sku, on_hand, held, on_hand - held as available, low_stock_threshold, version
from holdfast.stock_levels;

create view holdfast_read.stock_movements as
select shop, sku, version, delta, on_hand_after, reason, reference, movement_id, created_at
from holdfast.stock_movements;

create view holdfast_read.checkouts as
select shop, left(md5(checkout_id::text), 16) as checkout, status, revision, generation,
    counted_as is not null as counted, expires_at, created_at, ended_at
from holdfast.checkouts;

create view holdfast_read.holds as
select shop, left(md5(checkout_id::text), 16) as checkout, generation, sku, quantity, price_minor,
    status, limited, expires_at, created_at, resolved_at
from holdfast.holds;

create view holdfast_read.coupons as
select shop, code, kind, value, minimum_minor, valid_from, valid_until, uses_max, uses_held,
    uses_consumed, uses_per_customer_max, skus, created_at
from holdfast.coupons;

create view holdfast_read.orders as
select shop, order_id, left(md5(checkout_id::text), 16) as checkout, status, currency,
    subtotal_minor, discount_minor, total_minor, coupon_code, coupon_use, version, created_at,
    paid_at
from holdfast.orders;

create view holdfast_read.order_lines as
select shop, order_id, sku, quantity, price_minor, discount_minor, returned, limited
from holdfast.order_lines;

create view holdfast_read.order_restocks as
select shop, return_id, order_id, created_at
from holdfast.order_restocks;

create view holdfast_read.payments as
select shop, reference, order_id, method, status, amount_minor, currency, gateway,
    gateway_payment_id, accepted_minor, accepted_at, created_at, paid_at
from holdfast.payments;

create view holdfast_read.payment_events as
select shop, gateway, event_key, reference, kind, amount_minor, currency, gateway_payment_id,
    other_payment_id, gateway_order_id, gateway_refund_id, dispute_id, dispute_stage, outcome,
    received_at, resolved_at
from holdfast.payment_events;

create view holdfast_read.gateway_orders as
select shop, gateway, gateway_order_id, other_order_id, reference, expires_at, created_at, closed_at
from holdfast.gateway_orders;

create view holdfast_read.payment_captures as
select shop, gateway, gateway_payment_id, reference, amount_minor, currency, counts, accepted,
    refunded_minor, captured_at
from holdfast.payment_captures;

create view holdfast_read.refunds as
select shop, refund_id, order_id, reference, gateway, gateway_payment_id, amount_minor, currency,
    reason, status, bounced, void, despite_dispute, request_id, retry_of, attempts,
    next_try_at, looked_up_at, gateway_refund_id, created_at, settled_at
from holdfast.refunds;

create view holdfast_read.payment_event_contradictions as
select shop, gateway, event_key, received_at
from holdfast.payment_event_contradictions;

create view holdfast_read.disputes as
select shop, gateway, dispute_id, reference, gateway_payment_id, amount_minor, currency, stage,
    status, opened_at, ended_at
from holdfast.disputes;

create view holdfast_read.outbox_messages as
select shop, topic,
    case when topic like 'checkout.%'
        then left(md5(split_part(subject, ':', 1)), 16) || substr(subject, 37)
        else subject
    end as subject,
    created_at, sent_at, attempts, next_try_at, last_error
from holdfast.outbox_messages;

create view holdfast_read.imports as
select shop, import_id, status, mode, at_part, at_chunk, created, changed, unchanged, refused,
    created_at, ended_at
from holdfast.imports;

create view holdfast_read.migrations as
select file, applied_at
from holdfast.schema_history;
