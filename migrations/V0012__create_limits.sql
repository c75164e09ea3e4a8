-- What one customer may take: units of a sku, checkouts at once, uses of a coupon. Counted like
-- stock, in the same transactions: held, then consumed or given back. What was taken while nothing
-- limited it is not counted.

-- The row that every change of one customer's counts locks first: it puts them in one order.
create table holdfast.customer_checkouts (
    shop text collate "C" not null references holdfast.shops,
    customer text not null,
    open integer not null default 0 check (open >= 0),
    -- the shop's limit when one was last counted: a limit that is lowered later breaks no checkout
    open_max integer,
    primary key (shop, customer),
    constraint customer_never_over_checkouts check (open <= open_max)
);

create table holdfast.customer_units (
    shop text collate "C" not null,
    customer text not null,
    sku text collate "C" not null,
    units_held integer not null default 0 check (units_held >= 0),
    units_consumed integer not null default 0 check (units_consumed >= 0),
    units_max integer not null,
    primary key (shop, customer, sku),
    foreign key (shop, sku) references holdfast.skus,
    constraint customer_never_over_limit check (units_held + units_consumed <= units_max)
);

-- Every use of a coupon, limited or not: a limit that comes later counts from the first use.
create table holdfast.customer_coupons (
    shop text collate "C" not null,
    code text collate "C" not null,
    customer text not null,
    uses_held integer not null default 0 check (uses_held >= 0),
    uses_consumed integer not null default 0 check (uses_consumed >= 0),
    uses_max integer,
    primary key (shop, code, customer),
    foreign key (shop, code) references holdfast.coupons,
    constraint coupon_never_overused_by_customer check (uses_held + uses_consumed <= uses_max)
);

insert into holdfast.customer_coupons (shop, code, customer, uses_held, uses_consumed)
select o.shop, o.coupon_code, o.customer,
    count(*) filter (where o.coupon_use = 'held'),
    count(*) filter (where o.coupon_use = 'consumed')
from holdfast.orders o
where o.coupon_code is not null
group by 1, 2, 3;

-- Which checkouts, units and lines are in those counts.
alter table holdfast.checkouts add column counted boolean not null default false;
alter table holdfast.holds add column limited boolean not null default false;
alter table holdfast.order_lines add column limited boolean not null default false;

-- Finds what a customer let go by waiting; empty, and free, where nothing is limited.
create index checkouts_counted_idx on holdfast.checkouts (shop, customer, expires_at)
where counted;

-- Finds the orders that hold a coupon, to see whether they are due.
create index orders_coupon_held_idx on holdfast.orders (shop, coupon_code)
where coupon_use = 'held';

-- Routines of the same name and another signature take their places.
drop function if exists holdfast.coupon_hold(text, text, bigint, timestamptz);
drop function if exists holdfast.checkout_reclaim(text, text[]);
drop function if exists holdfast.checkout_take_again(text, uuid, text[], integer[], bigint[]);
drop function if exists holdfast.order_take_again(text, uuid, uuid);
drop function if exists holdfast.payment_apply_paid(
    holdfast.payments, uuid, text, text, bigint, text, boolean);
drop function if exists holdfast.payment_record_event_core(
    text, text, text, text, text, bigint, text, text, text, boolean);
drop function if exists holdfast.order_create_core(
    text, uuid, text, bytea, uuid, text, text, text, jsonb, uuid, boolean);
