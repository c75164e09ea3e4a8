-- A checkout becomes an order when the shopper commits. An order has one payment.

create table holdfast.orders (
    shop text collate "C" not null,
    order_id uuid not null,
    checkout_id uuid not null,
    customer text collate "C" not null,
    -- the customer_key under which its coupon's use and its units count. Kept here, because a shop
    -- may change how it folds names meanwhile.
    customer_key text collate "C" not null,
    -- the dispatcher who booked it at the desk; null: the customer ordered
    placed_by text collate "C"
        constraint order_names_who_placed_it check (length(placed_by) between 1 and 256),
    status text collate "C" not null default 'awaiting_payment' constraint order_status_is_known
        check (
        status in ('awaiting_payment', 'paid', 'review', 'refund_due', 'refunded', 'expired',
            'cancelled')),
    -- Rises when staff change the order (amend, cancel, restock). An edit of an older version is
    -- refused.
    version bigint not null default 1,
    currency text collate "C" not null,
    subtotal_minor bigint not null check (subtotal_minor >= 0),
    discount_minor bigint not null check (discount_minor >= 0),
    total_minor bigint not null,
    coupon_code text collate "C",
    -- a coupon's use is like a hold: held with the order, then consumed or released
    coupon_use text collate "C" not null default 'none'
        constraint coupon_use_is_known check (coupon_use in ('none', 'held', 'consumed',
            'released')),
    -- as it was when the order was made: a saved address may change later
    address jsonb constraint order_address_is_short check (pg_column_size(address) <= 8000),
    address_id uuid,
    request_hash bytea not null,
    created_at timestamptz not null,
    -- Stays set when staff cancel a paid order: it was paid.
    paid_at timestamptz,
    -- When version rose, for the check of the promises. Null before the first change: a sale must
    -- not write one more index.
    changed_at timestamptz,
    primary key (shop, order_id),
    constraint checkout_has_one_order unique (shop, checkout_id),
    foreign key (shop, checkout_id) references holdfast.checkouts,
    foreign key (shop, coupon_code) references holdfast.coupons,
    constraint order_texts_are_short check (length(customer) <= 64
        and length(customer_key) <= 1200 and octet_length(request_hash) <= 64),
    constraint order_total_is_never_negative
        check (total_minor = subtotal_minor - discount_minor and total_minor >= 0),
    constraint coupon_use_matches_coupon check ((coupon_code is null) = (coupon_use = 'none')),
    constraint order_paid_at_matches_status
        check (case when status = 'paid' then paid_at is not null
                    when status in ('awaiting_payment', 'expired') then paid_at is null
                    else true end),
    constraint order_times_can_be_shown check (
        least(created_at, paid_at, changed_at) >= '0001-01-01 00:00:00+00'
            and greatest(created_at, paid_at, changed_at) < '10000-01-01 00:00:00+00')
);
create index orders_of_customer_idx on holdfast.orders (shop, customer, created_at);
create index orders_changed_idx on holdfast.orders (shop, changed_at, order_id)
where changed_at is not null;
-- The orders that hold a coupon and may be due.
create index orders_coupon_held_idx on holdfast.orders (shop, coupon_code)
where coupon_use = 'held';
-- The uses of one customer, which the check of the promises counts.
create index orders_of_coupon_idx on holdfast.orders (shop, coupon_code, customer_key, coupon_use)
where coupon_code is not null;

create table holdfast.order_lines (
    shop text collate "C" not null,
    order_id uuid not null,
    sku text collate "C" not null,
    quantity integer not null check (quantity > 0),
    price_minor bigint not null check (price_minor >= 0),
    -- the line's share of the order's discount
    discount_minor bigint not null default 0,
    -- units that were put back by a restock or by the order's cancellation
    returned integer not null default 0,
    -- whether customer_units counts it
    limited boolean not null default false,
    -- For the manifest: the checkout, when it began, and whether the stock was deducted. As in the
    -- checkout and the order, and here so that an index sorts the passengers of a departure.
    checkout_id uuid not null,
    begun_at timestamptz not null,
    sold boolean not null default false,
    primary key (shop, order_id, sku),
    foreign key (shop, order_id) references holdfast.orders,
    constraint order_line_discount_is_within_its_price
        check (discount_minor between 0 and quantity * price_minor),
    constraint order_line_returns_no_more_than_was_sold
        check (0 <= returned and returned <= quantity),
    constraint order_line_times_can_be_shown
        check (begun_at >= '0001-01-01 00:00:00+00' and begun_at < '10000-01-01 00:00:00+00')
);
-- The passengers of a departure, and their number.
create index order_lines_sold_of_sku_idx on holdfast.order_lines
    (shop, sku, begun_at, checkout_id) include (quantity, returned)
    where sold and returned < quantity;

-- Every restock, once: a request that is sent three times puts its goods back once.
create table holdfast.order_restocks (
    shop text collate "C" not null,
    -- made by the client: the idempotency key
    return_id uuid not null,
    order_id uuid not null,
    -- SHA-256 of the request: the same id with another request is a conflict
    request_hash bytea not null
        constraint restock_hash_is_short check (octet_length(request_hash) <= 64),
    actor text collate "C" not null
        constraint restock_names_an_actor check (length(actor) between 1 and 256),
    created_at timestamptz not null,
    primary key (shop, return_id),
    foreign key (shop, order_id) references holdfast.orders,
    constraint restock_times_can_be_shown
        check (created_at >= '0001-01-01 00:00:00+00' and created_at < '10000-01-01 00:00:00+00')
);

create trigger restock_is_history
before update or delete on holdfast.order_restocks
for each row execute function holdfast.refuse('Goods that were put back by mistake are a stock '
    'adjustment.');

-- The order of the values is their rank: a payment only rises.
create type holdfast.payment_status as enum ('unpaid', 'dropped', 'failed', 'paid');

create table holdfast.payments (
    shop text collate "C" not null,
    -- The gateway knows the order by it. It begins with the shop, and has at most 40 characters: a
    -- Razorpay receipt's limit (a Cashfree order id may have 45).
    reference text collate "C" not null,
    order_id uuid not null,
    method text collate "C" not null constraint payment_method_is_known
        check (method in ('online', 'offline')),
    status holdfast.payment_status not null default 'unpaid',
    amount_minor bigint not null check (amount_minor >= 0),
    currency text collate "C" not null,
    -- the gateway and its payment that paid it: the same payment again has no effect, another one
    -- is owed back. Both are those of a capture, which bounds them.
    gateway text collate "C",
    gateway_payment_id text collate "C",
    created_at timestamptz not null,
    paid_at timestamptz,
    -- when the gateway was last asked about it
    looked_up_at timestamptz,
    -- when to consider asking again (lookup_claim); null: never
    look_up_at timestamptz,
    -- Staff took the money in review as the whole payment: its sum, who did so, and why.
    accepted_minor bigint,
    accepted_by text collate "C"
        constraint acceptance_names_an_actor check (length(accepted_by) between 1 and 256),
    accepted_note text collate "C"
        constraint acceptance_note_is_short check (length(accepted_note) between 1 and 500),
    accepted_at timestamptz,
    primary key (shop, reference),
    constraint order_has_one_payment unique (shop, order_id),
    foreign key (shop, order_id) references holdfast.orders,
    constraint payment_reference_carries_its_shop
        check (reference ~ '^[a-z0-9]{1,12}-[a-z0-9]{1,27}$'
            and split_part(reference, '-', 1) = shop),
    constraint payment_paid_at_matches_status check ((status = 'paid') = (paid_at is not null)),
    constraint payment_acceptance_is_complete check (
        num_nonnulls(accepted_minor, accepted_by, accepted_note, accepted_at) in (0, 4)
            and (accepted_at is null or status = 'paid' and accepted_minor > 0)),
    constraint payment_times_can_be_shown check (
        least(created_at, paid_at, looked_up_at, look_up_at, accepted_at)
                >= '0001-01-01 00:00:00+00'
            and greatest(created_at, paid_at, looked_up_at, look_up_at, accepted_at)
                < '10000-01-01 00:00:00+00')
);
create index payments_look_up_idx on holdfast.payments (shop, look_up_at)
    where look_up_at is not null;
-- A shopper quotes the payment's id as their bank shows it.
create index payments_of_gateway_id_idx on holdfast.payments (shop, gateway_payment_id)
    where gateway_payment_id is not null;

create trigger payment_only_rises
before update on holdfast.payments
for each row when (new.status < old.status)
execute function holdfast.refuse(
    'A payment only rises: unpaid < dropped < failed < paid. Refunds are separate facts.');

-- Every verified event of a gateway, once.
create table holdfast.payment_events (
    shop text collate "C" not null,
    gateway text collate "C" not null,
    -- the gateway's own idempotency key, or its like: the same for every copy of one event
    event_key text collate "C" not null,
    reference text collate "C",
    kind text collate "C" not null constraint payment_event_kind_is_known
        check (kind in ('paid', 'failed',
        'dropped', 'pending', 'refund_pending', 'refund_settled', 'refund_failed', 'disputed',
        'dispute_won', 'dispute_lost', 'dispute_closed', 'other')),
    amount_minor bigint,
    currency text collate "C",
    gateway_payment_id text collate "C",
    -- a second id that the gateway shows for it: Stripe's charge
    other_payment_id text collate "C",
    -- finds the payment of an event that has no reference
    gateway_order_id text collate "C",
    -- our id of a refund, and the gateway's
    refund_id uuid,
    gateway_refund_id text collate "C",
    dispute_id text collate "C",
    dispute_stage text collate "C",
    payload text collate "C" not null,
    -- Some of the webhook's headers, and its arrival by the clock of its function. Evidence for
    -- people: no routine reads it.
    webhook_envelope jsonb,
    -- parked: its payment is unknown (yet); it is tried again. dismissed: a person put it aside,
    -- because the money is not for this deployment.
    outcome text collate "C" not null default 'parked' constraint payment_event_outcome_is_known
        check (outcome in
        ('parked', 'completed', 'completed_late', 'refund_due', 'review', 'excess', 'recorded',
            'no_effect', 'dismissed')),
    -- who dismissed it
    actor text collate "C",
    received_at timestamptz not null,
    resolved_at timestamptz,
    -- of a parked event: when to look for its payment again
    consider_at timestamptz not null default now(),
    primary key (shop, gateway, event_key),
    constraint payment_event_resolved_at_matches_outcome
        check ((outcome = 'parked') = (resolved_at is null)),
    constraint payment_event_actor_matches_outcome
        check ((outcome = 'dismissed') = (actor is not null and actor <> '')),
    -- Beyond what the adapters let through. A genuine event never meets these: it would be lost.
    constraint payment_event_texts_are_short check (length(shop) <= 12 and length(gateway) <= 16
        and length(event_key) <= 1024 and length(reference) <= 255 and length(currency) <= 3
        and length(gateway_payment_id) <= 255 and length(gateway_order_id) <= 255
        and length(gateway_refund_id) <= 255 and length(actor) <= 256
        and length(other_payment_id) <= 255 and length(dispute_id) <= 255
        and length(dispute_stage) <= 16),
    -- a webhook has at most 256 KB; a look-up stores one payment or refund of its answer
    constraint payment_event_payload_is_bounded check (octet_length(payload) <= 1048576),
    constraint payment_event_envelope_is_bounded check (pg_column_size(webhook_envelope) <= 65536),
    constraint payment_event_times_can_be_shown check (
        least(received_at, consider_at, resolved_at) >= '0001-01-01 00:00:00+00'
            and greatest(received_at, consider_at, resolved_at) < '10000-01-01 00:00:00+00')
);
create index payment_events_of_reference_idx on holdfast.payment_events (shop, reference);
create index payment_events_parked_idx on holdfast.payment_events (shop, consider_at)
    where outcome = 'parked';
-- Parked money waits for a person. Parked events of other kinds may stay for ever.
create index payment_events_parked_paid_idx on holdfast.payment_events (shop, received_at)
    where outcome = 'parked' and kind = 'paid';
-- What the check of the promises has not seen yet.
create index payment_events_resolved_idx on holdfast.payment_events (shop, resolved_at)
    where resolved_at is not null;
create index payment_events_of_gateway_id_idx on holdfast.payment_events (shop, gateway_payment_id)
    where gateway_payment_id is not null;
-- For the search: people paste whatever id the gateway's dashboard shows.
create index payment_events_of_other_id_idx on holdfast.payment_events (shop, other_payment_id)
    where other_payment_id is not null;
create index payment_events_of_gateway_order_idx on holdfast.payment_events (shop, gateway_order_id)
    where gateway_order_id is not null;
create index payment_events_of_gateway_refund_idx
    on holdfast.payment_events (shop, gateway_refund_id) where gateway_refund_id is not null;
create index payment_events_of_dispute_idx on holdfast.payment_events (shop, dispute_id)
    where dispute_id is not null;

create trigger payment_event_resolves_once
before update on holdfast.payment_events
for each row when (old.outcome <> 'parked')
execute function holdfast.refuse('The effect of a payment event is final.');

create trigger payment_event_is_never_deleted
before delete on holdfast.payment_events
for each row execute function holdfast.refuse('A verified payment event is evidence of money.');

-- The first message that came under the key of a stored event and reported other facts: another
-- amount, another payment. The event keeps the facts that came first; this is the evidence.
create table holdfast.payment_event_contradictions (
    shop text collate "C" not null,
    gateway text collate "C" not null,
    event_key text collate "C" not null,
    payload text collate "C" not null
        constraint contradiction_payload_is_bounded check (octet_length(payload) <= 1048576),
    received_at timestamptz not null,
    primary key (shop, gateway, event_key),
    foreign key (shop, gateway, event_key) references holdfast.payment_events,
    constraint contradiction_times_can_be_shown
        check (received_at >= '0001-01-01 00:00:00+00' and received_at < '10000-01-01 00:00:00+00')
);

create trigger contradiction_is_evidence
before update or delete on holdfast.payment_event_contradictions
for each row execute function holdfast.refuse('A contradiction is evidence.');

-- A gateway's own order or session for a payment, before any money comes. The storefront's payment
-- page needs it; the sweeper looks it up and closes it.
create table holdfast.gateway_orders (
    shop text collate "C" not null,
    gateway text collate "C" not null,
    gateway_order_id text collate "C" not null,
    -- a second id that the gateway shows for it: Cashfree's cf_order_id
    other_order_id text collate "C",
    reference text collate "C" not null,
    -- for the storefront: a session's id, a client secret, or a URL
    data jsonb not null constraint gateway_order_data_is_an_object
        check (jsonb_typeof(data) = 'object')
        constraint gateway_order_data_is_bounded check (pg_column_size(data) <= 65536),
    -- when the gateway ends it by itself; null: never, or unknown
    expires_at timestamptz,
    created_at timestamptz not null,
    closed_at timestamptz,
    close_tried_at timestamptz,
    primary key (shop, gateway, gateway_order_id),
    foreign key (shop, reference) references holdfast.payments,
    constraint gateway_order_texts_are_short
        check (length(gateway) <= 16 and length(gateway_order_id) <= 255
            and length(other_order_id) <= 255),
    constraint gateway_order_times_can_be_shown check (
        least(expires_at, created_at, closed_at, close_tried_at) >= '0001-01-01 00:00:00+00'
            and greatest(expires_at, created_at, closed_at, close_tried_at)
                < '10000-01-01 00:00:00+00')
);
create index gateway_orders_of_reference_idx on holdfast.gateway_orders (shop, reference);
create index gateway_orders_of_id_idx on holdfast.gateway_orders (shop, gateway_order_id);
create index gateway_orders_of_other_id_idx on holdfast.gateway_orders (shop, other_order_id)
    where other_order_id is not null;
-- Two open ones at one gateway would be two ways to pay one order twice.
create unique index gateway_order_open_once on holdfast.gateway_orders (shop, reference, gateway)
    where closed_at is null;
create index gateway_orders_open_idx on holdfast.gateway_orders (shop, created_at)
    where closed_at is null;

create trigger gateway_order_is_of_one_payment
before update on holdfast.gateway_orders
for each row when (old.reference <> new.reference)
execute function holdfast.refuse('A gateway order stays with the payment that it was made for.');
