-- One shopper's attempt to buy a cart, and its claims on stock.

create table holdfast.checkouts (
    shop text collate "C" not null,
    -- made by the client: the idempotency key, and without a JWT the unguessable capability
    checkout_id uuid not null,
    customer text not null,
    status text not null default 'open'
        constraint checkout_status_is_known check (status in ('open', 'ordered', 'paid', 'released', 'expired')),
    -- the client's number of the cart: a replacement carries a higher one, so that a late retry of an older cart is seen
    revision integer not null constraint checkout_revision_is_positive check (revision > 0),
    -- how many times stock was taken for it: by begin, by each replacement, and again after an expiry
    take integer not null default 1,
    -- SHA-256 of what was asked for: same id and revision with another request is a conflict
    request_hash bytea not null,
    expires_at timestamptz not null,
    created_at timestamptz not null,
    ended_at timestamptz,
    primary key (shop, checkout_id),
    constraint checkout_ended_at_matches_status
        check ((status in ('paid', 'released', 'expired')) = (ended_at is not null))
)
-- No foreign key to shops: every hold of a flash sale would lock the one row of the shop.
with (fillfactor = 80);

create index checkouts_due_idx on holdfast.checkouts (shop, expires_at) where status in ('open', 'ordered');
create index checkouts_ended_idx on holdfast.checkouts (shop, ended_at) where status in ('released', 'expired');

create trigger checkout_paid_is_final
before update on holdfast.checkouts
for each row when (old.status = 'paid' and new.status <> 'paid')
execute function holdfast.refuse('A paid checkout stays paid; goods that come back are a restock.');

-- The journal of every claim on stock. A resolved row is history and never changes again.
create table holdfast.holds (
    shop text collate "C" not null,
    checkout_id uuid not null,
    take integer not null,
    sku text collate "C" not null,
    quantity integer not null constraint hold_quantity_is_positive check (quantity between 1 and 100000),
    -- the catalogue's price when the stock was taken: what the shopper was shown is what the order costs
    price_minor bigint not null check (price_minor >= 0),
    status text not null default 'active'
        constraint hold_status_is_known check (status in ('active', 'consumed', 'released', 'expired')),
    expires_at timestamptz not null,
    created_at timestamptz not null,
    resolved_at timestamptz,
    primary key (shop, checkout_id, take, sku),
    foreign key (shop, checkout_id) references holdfast.checkouts,
    constraint hold_resolved_at_matches_status check ((status = 'active') = (resolved_at is null))
);
-- No foreign key to stock_levels: it would take a share lock on the hot row for every hold. promises_check covers it.

create index holds_due_of_sku_idx on holdfast.holds (shop, sku, expires_at) where status = 'active';
create index holds_resolved_idx on holdfast.holds (shop, resolved_at) where status <> 'active';

create trigger hold_resolves_once
before update on holdfast.holds
for each row when (old.status <> 'active')
execute function holdfast.refuse('A resolved hold is history. Take the stock again with a new take.');

create trigger hold_is_resolved_before_it_goes
before delete on holdfast.holds
for each row when (old.status = 'active')
execute function holdfast.refuse('Release or expire the checkout: its units would stay held for ever.');
