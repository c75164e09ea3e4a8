-- A checkout is one shopper's attempt to buy a cart. Its holds keep the stock for the shopper
-- meanwhile.

-- Enums, and few, short checks: PostgreSQL reads all checks of a table anew for every statement,
-- and a flash sale writes these two tables for each hold. So checkout_hold_cart and
-- checkout_begin_many_attempt, which alone bring texts of callers into them, check their lengths
-- (checkout_texts_are_short). Their times need no check: each is the clock's, or the clock's and at
-- most a shop's hold_s_max.
create type holdfast.checkout_status as enum ('open', 'ordered', 'paid', 'released', 'expired');
create type holdfast.hold_status as enum ('active', 'consumed', 'released', 'expired');

create table holdfast.checkouts (
    shop text collate "C" not null,
    -- made by the client; the idempotency key. Without a JWT, a caller who knows it may use the
    -- checkout.
    checkout_id uuid not null,
    customer text collate "C" not null,
    status holdfast.checkout_status not null default 'open',
    -- The client's number of the cart. A replacement has a higher one, so that a late retry of an
    -- older cart is noticed.
    revision integer not null,
    -- the generation of its latest holds: begin makes 1; each replacement, and each holding again
    -- after an expiry, makes the next
    generation integer not null default 1,
    -- SHA-256 of the request: the same id and revision with another request is a conflict
    request_hash bytea not null,
    expires_at timestamptz not null,
    created_at timestamptz not null,
    ended_at timestamptz,
    -- the customer_key under which customer_checkouts and customer_units count it; null: not
    -- counted. Kept here, because a shop may change how it folds names meanwhile.
    counted_as text collate "C",
    primary key (shop, checkout_id),
    constraint checkout_ended_at_matches_status
        check ((status >= 'paid') = (ended_at is not null))
)
-- No foreign key to shops: every hold of a flash sale would lock the one row of the shop.
with (fillfactor = 80);

create index checkouts_due_idx on holdfast.checkouts (shop, expires_at) where ended_at is null;
create index checkouts_ended_idx on holdfast.checkouts (shop, ended_at) where ended_at is not null;
-- A customer's counted checkouts that may be due. Empty, and without cost, if nothing is limited.
create index checkouts_counted_idx on holdfast.checkouts (shop, counted_as, expires_at)
where counted_as is not null;

create trigger checkout_paid_is_final
before update on holdfast.checkouts
for each row when (old.status = 'paid' and new.status <> 'paid')
execute function holdfast.refuse('A paid checkout stays paid; goods that come back are a restock.');

-- The journal of held stock. A resolved row is history and never changes again.
create table holdfast.holds (
    shop text collate "C" not null,
    checkout_id uuid not null,
    generation integer not null,
    sku text collate "C" not null,
    quantity integer not null constraint hold_quantity_is_positive check (quantity > 0),
    -- the price when the stock was held: the order has the price that the shopper saw
    price_minor bigint not null,
    status holdfast.hold_status not null default 'active',
    expires_at timestamptz not null,
    created_at timestamptz not null,
    resolved_at timestamptz,
    -- whether customer_units counts it
    limited boolean not null default false,
    primary key (shop, checkout_id, generation, sku),
    constraint hold_resolved_at_matches_status check ((status = 'active') = (resolved_at is null))
);
-- No foreign keys: one to stock_levels would lock the hot row for every hold, one to checkouts
-- would lock the row that the same routine has just written. promises_checkouts covers both.

create index holds_due_of_sku_idx on holdfast.holds (shop, sku, expires_at)
where status = 'active';
create index holds_resolved_idx on holdfast.holds (shop, resolved_at)
where resolved_at is not null;

create trigger hold_resolves_once
before update on holdfast.holds
for each row when (old.status <> 'active')
execute function holdfast.refuse(
    'A resolved hold is history. Hold the stock again with a new generation.');

create trigger hold_is_resolved_before_it_goes
before delete on holdfast.holds
for each row when (old.status = 'active')
execute function holdfast.refuse(
    'Release or expire the checkout: its units would stay held for ever.');

-- Checkouts that staff ended, with the reason. Kept as long as the checkout.
create table holdfast.checkout_revocations (
    shop text collate "C" not null,
    checkout_id uuid not null,
    actor text collate "C" not null
        constraint revocation_names_an_actor check (length(actor) between 1 and 256),
    note text collate "C" not null
        constraint revocation_note_is_short check (length(note) between 1 and 500),
    revoked_at timestamptz not null,
    primary key (shop, checkout_id),
    constraint revocation_times_can_be_shown
        check (revoked_at >= '0001-01-01 00:00:00+00' and revoked_at < '10000-01-01 00:00:00+00')
);

create trigger revocation_is_history
before update on holdfast.checkout_revocations
for each row execute function holdfast.refuse('A revocation is history.');
