-- The counts of one customer that a shop may limit: checkouts at once, units of a sku, uses of a
-- coupon. Counted like stock, in the same transactions: held, then consumed or given back. Units
-- and checkouts are counted only while a limit is set. `customer` is the customer_key, and not the
-- customer's name: names that look the same may count as one.
--
-- customer_checkouts and customer_units have no foreign keys: a sale with a limit writes both for
-- each new customer, and each row would lock the one row of its shop and its sku.

-- Every change of one customer's counts locks this row first, so such changes never run at the same
-- time.
create table holdfast.customer_checkouts (
    shop text collate "C" not null,
    customer text collate "C" not null
        constraint customer_key_is_short check (length(customer) <= 1200),
    open integer not null default 0 check (open >= 0),
    -- the shop's limit when a checkout was last counted: a later, lower limit breaks no checkout
    open_max integer,
    primary key (shop, customer),
    constraint customer_never_over_checkouts check (open <= open_max)
);

create table holdfast.customer_units (
    shop text collate "C" not null,
    customer text collate "C" not null
        constraint customer_key_is_short check (length(customer) <= 1200),
    sku text collate "C" not null,
    units_held integer not null default 0 check (units_held >= 0),
    units_consumed integer not null default 0 check (units_consumed >= 0),
    units_max integer not null,
    primary key (shop, customer, sku),
    constraint customer_never_over_limit check (units_held + units_consumed <= units_max)
);

-- Every use of a coupon, limited or not: a later limit counts from the first use.
create table holdfast.customer_coupons (
    shop text collate "C" not null,
    code text collate "C" not null,
    customer text collate "C" not null
        constraint customer_key_is_short check (length(customer) <= 1200),
    uses_held integer not null default 0 check (uses_held >= 0),
    uses_consumed integer not null default 0 check (uses_consumed >= 0),
    uses_max integer,
    -- the uses_consumed that are in promise_coupons.uses_counted
    uses_counted integer not null default 0,
    primary key (shop, code, customer),
    foreign key (shop, code) references holdfast.coupons,
    constraint coupon_never_overused_by_customer check (uses_held + uses_consumed <= uses_max)
);
create index customer_coupons_uncounted_idx on holdfast.customer_coupons (shop, code, customer)
    where uses_consumed <> uses_counted;
