-- What a gateway knows of an order before any money comes: its order or session, which the
-- storefront's payment page needs, and which is looked up and closed there.

create table holdfast.gateway_orders (
    shop text collate "C" not null,
    gateway text not null,
    gateway_order_id text not null,
    reference text collate "C" not null,
    -- what the storefront needs to take the payment: a session's id, a client secret, a URL
    data jsonb not null constraint gateway_order_data_is_an_object
        check (jsonb_typeof(data) = 'object'),
    -- when the gateway lets it go by itself; null: never, or not said
    expires_at timestamptz,
    created_at timestamptz not null,
    closed_at timestamptz,
    -- when somebody was last sent to close it
    close_tried_at timestamptz,
    primary key (shop, gateway, gateway_order_id),
    foreign key (shop, reference) references holdfast.payments
);
create index gateway_orders_of_reference_idx on holdfast.gateway_orders (shop, reference);
-- two open ones at one gateway would be two ways to pay one order twice
create unique index gateway_order_open_once on holdfast.gateway_orders (shop, reference, gateway)
    where closed_at is null;
create index gateway_orders_open_idx on holdfast.gateway_orders (shop, created_at)
    where closed_at is null;

create trigger gateway_order_is_of_one_payment
before update on holdfast.gateway_orders
for each row when (old.reference <> new.reference)
execute function holdfast.refuse('Money for it belongs to the payment that it was made for.');

alter table holdfast.payments
    -- when the gateway was last asked about it
    add column looked_up_at timestamptz;

-- Set up in V0030: validated apart from it, so that nobody waits for the scan.
alter table holdfast.payment_events validate constraint payment_event_kind_is_known;

-- What a person may look at of all this (V0021): without names, words and what a gateway said.
create view holdfast_read.payment_captures as
select shop, gateway, gateway_payment_id, reference, amount_minor, currency, counts, refunded_minor,
    captured_at
from holdfast.payment_captures;

create view holdfast_read.refunds as
select shop, refund_id, order_id, reference, gateway, gateway_payment_id, amount_minor, currency,
    reason, status, bounced, void, request_id, retry_of, attempts, next_try_at, looked_up_at,
    gateway_refund_id, created_at, settled_at
from holdfast.refunds;

create view holdfast_read.gateway_orders as
select shop, gateway, gateway_order_id, reference, expires_at, created_at, closed_at
from holdfast.gateway_orders;
