-- What a checkout becomes when the shopper commits, and the money for it.

create table holdfast.orders (
    shop text collate "C" not null,
    order_id uuid not null,
    checkout_id uuid not null,
    customer text not null,
    status text not null default 'awaiting_payment' constraint order_status_is_known check (
        status in ('awaiting_payment', 'paid', 'review', 'refund_due', 'refunded', 'expired',
            'cancelled')),
    currency text not null,
    subtotal_minor bigint not null check (subtotal_minor >= 0),
    discount_minor bigint not null check (discount_minor >= 0),
    total_minor bigint not null,
    coupon_code text collate "C",
    -- a coupon's use is like a hold: held with the order, then consumed or released
    coupon_use text not null default 'none'
        constraint coupon_use_is_known check (coupon_use in ('none', 'held', 'consumed',
            'released')),
    -- as it was when the order was made: a saved address may change later
    address jsonb,
    address_id uuid,
    request_hash bytea not null,
    created_at timestamptz not null,
    paid_at timestamptz,
    primary key (shop, order_id),
    constraint checkout_has_one_order unique (shop, checkout_id),
    foreign key (shop, checkout_id) references holdfast.checkouts,
    foreign key (shop, coupon_code) references holdfast.coupons,
    constraint order_total_is_never_negative
        check (total_minor = subtotal_minor - discount_minor and total_minor >= 0),
    constraint coupon_use_matches_coupon check ((coupon_code is null) = (coupon_use = 'none')),
    constraint order_paid_at_matches_status
        check (case when status = 'paid' then paid_at is not null
                    when status in ('awaiting_payment', 'expired', 'cancelled') then paid_at is null
                    else true end)
);

create table holdfast.order_lines (
    shop text collate "C" not null,
    order_id uuid not null,
    sku text collate "C" not null,
    quantity integer not null check (quantity > 0),
    price_minor bigint not null check (price_minor >= 0),
    primary key (shop, order_id, sku),
    foreign key (shop, order_id) references holdfast.orders
);

-- The order of the values is the rank: a payment only rises.
create type holdfast.payment_status as enum ('unpaid', 'dropped', 'failed', 'paid');

create table holdfast.payments (
    shop text collate "C" not null,
    -- what the gateway knows the order by. It carries the shop, and is at most 40 characters: a
    -- Razorpay receipt's limit (a Cashfree order id allows 45).
    reference text collate "C" not null,
    order_id uuid not null,
    method text not null constraint payment_method_is_known check (method in ('online', 'offline')),
    status holdfast.payment_status not null default 'unpaid',
    amount_minor bigint not null check (amount_minor >= 0),
    currency text not null,
    -- which payment of which gateway paid it: the same one again has no effect, another one is owed
    -- back
    gateway text,
    gateway_payment_id text,
    created_at timestamptz not null,
    paid_at timestamptz,
    primary key (shop, reference),
    constraint order_has_one_payment unique (shop, order_id),
    foreign key (shop, order_id) references holdfast.orders,
    constraint payment_reference_carries_its_shop
        check (reference ~ '^[a-z0-9]{1,12}-[a-z0-9]{1,27}$'
            and split_part(reference, '-', 1) = shop),
    constraint payment_paid_at_matches_status check ((status = 'paid') = (paid_at is not null))
);

create trigger payment_only_rises
before update on holdfast.payments
for each row when (new.status < old.status)
execute function holdfast.refuse(
    'A payment only rises: unpaid < dropped < failed < paid. Refunds are separate facts.');

-- Every verified message of a gateway, once.
create table holdfast.payment_events (
    shop text collate "C" not null,
    gateway text not null,
    -- the gateway's own idempotency key, or what means the same: one event has one key however
    -- often it is sent
    event_key text not null,
    reference text collate "C",
    kind text not null constraint payment_event_kind_is_known
        check (kind in ('paid', 'failed', 'dropped', 'pending', 'other')),
    amount_minor bigint,
    currency text,
    gateway_payment_id text,
    payload text not null,
    -- parked: its reference is not known (yet); tried again until it is
    outcome text not null default 'parked' constraint payment_event_outcome_is_known
        check (outcome in
        ('parked', 'completed', 'completed_late', 'refund_due', 'review', 'excess', 'recorded',
            'no_effect')),
    received_at timestamptz not null,
    resolved_at timestamptz,
    primary key (shop, gateway, event_key),
    constraint payment_event_resolved_at_matches_outcome
        check ((outcome = 'parked') = (resolved_at is null))
);
create index payment_events_of_reference_idx on holdfast.payment_events (shop, reference);
create index payment_events_parked_idx on holdfast.payment_events (shop, received_at)
    where outcome = 'parked';

create trigger payment_event_resolves_once
before update on holdfast.payment_events
for each row when (old.outcome <> 'parked')
execute function holdfast.refuse('What a payment event did is history.');

create trigger payment_event_is_never_deleted
before delete on holdfast.payment_events
for each row execute function holdfast.refuse('A verified payment event is evidence of money.');
