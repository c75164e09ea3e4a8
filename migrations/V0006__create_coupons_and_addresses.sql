-- Coupons and saved addresses, which an order may use. Uses of a coupon are counted like stock.

create table holdfast.coupons (
    shop text collate "C" not null references holdfast.shops,
    code text collate "C" not null constraint coupon_code_is_plain
        check (code ~ '^[A-Z0-9_-]{1,32}$'),
    kind text collate "C" not null constraint coupon_kind_is_known
        check (kind in ('percent', 'fixed')),
    -- percent: basis points (1250 is 12.5 %); fixed: minor units of the shop's currency
    value bigint not null,
    -- the skus that it reduces; null: every sku
    skus text[] collate "C"
        constraint coupon_skus_are_some check (cardinality(skus) between 1 and 500)
        constraint coupon_skus_are_short check (octet_length(skus::text) <= 35000),
    minimum_minor bigint not null default 0 check (minimum_minor >= 0),
    valid_from timestamptz,
    valid_until timestamptz,
    -- null: no limit
    uses_max integer check (uses_max >= 0),
    uses_held integer not null default 0 check (uses_held >= 0),
    uses_consumed integer not null default 0 check (uses_consumed >= 0),
    -- uses of one customer, held and consumed together; null: no limit
    uses_per_customer_max integer
        constraint coupon_limit_is_positive check (uses_per_customer_max > 0),
    created_at timestamptz not null default now(),
    -- when its terms were last put: for the check of the promises
    changed_at timestamptz not null default clock_timestamp(),
    primary key (shop, code),
    constraint coupon_ends_after_it_begins check (valid_until > valid_from),
    constraint coupon_value_is_sane check (
        value > 0 and value <= case kind when 'percent' then 10000 else 100000000000 end),
    constraint coupon_never_overused check (uses_max is null
        or uses_held + uses_consumed <= uses_max),
    constraint coupon_times_can_be_shown check (
        least(valid_from, valid_until, created_at, changed_at)
                >= '0001-01-01 00:00:00+00'
            and greatest(valid_from, valid_until, created_at, changed_at)
                < '10000-01-01 00:00:00+00')
);
create index coupons_changed_idx on holdfast.coupons (shop, changed_at, code);

create table holdfast.addresses (
    shop text collate "C" not null,
    address_id uuid not null,
    customer text collate "C" not null
        constraint address_customer_is_short check (length(customer) <= 64),
    address jsonb not null constraint address_is_an_object check (jsonb_typeof(address) = 'object')
        constraint address_is_short check (pg_column_size(address) <= 8000),
    created_at timestamptz not null default now(),
    primary key (shop, address_id),
    constraint address_times_can_be_shown
        check (created_at >= '0001-01-01 00:00:00+00' and created_at < '10000-01-01 00:00:00+00')
);
create index addresses_of_customer_idx on holdfast.addresses (shop, customer);
