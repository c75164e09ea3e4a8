-- Shops, and the skus that they sell. The shop is the first column of every key in this schema. So
-- each shop's data is separate, a call uses one shop, and an engine that shards PostgreSQL can keep
-- a shop's rows together (optional/distribute.sql).

-- The body of every trigger that refuses a change. The condition is in the trigger's WHEN clause,
-- so an allowed change never calls it. The argument is the hint: what to do instead.
create function holdfast.refuse() returns trigger
language plpgsql set search_path = holdfast, pg_temp as $$
begin
    raise exception using
        errcode = 'check_violation',
        constraint = tg_name, table = tg_table_name, schema = tg_table_schema,
        message = format('%s on %s refused by %s', lower(tg_op), tg_table_name, tg_name),
        hint = tg_argv[0];
end;
$$;

create table holdfast.shops (
    -- short, because every payment reference begins with it
    shop text collate "C" not null
        constraint shop_code_is_short_and_plain check (shop ~ '^[a-z0-9]{1,12}$'),
    name text collate "C" not null constraint shop_name_is_short check (length(name) <= 100),
    -- one currency per shop: no cart can mix two
    currency text collate "C" not null constraint currency_is_iso_4217
        check (currency ~ '^[A-Z]{3}$'),
    -- how long a new checkout holds stock by default, and at most
    hold_s_default integer not null default 1200,
    hold_s_max integer not null default 1800,
    -- how long an order that awaits its payment holds stock: until its gateway reports a try to
    -- pay, and after that. The hold of the checkout never gets shorter by ordering.
    order_hold_s_untried integer not null default 900,
    order_hold_s integer not null default 1800,
    -- how many units one checkout of the storefront may hold, in all and of one sku. Staff may book
    -- more.
    units_per_cart_max integer not null default 100,
    units_per_line_max integer not null default 20,
    -- how many checkouts of one customer may hold stock at a time; null: no limit
    checkouts_per_customer_max integer
        constraint shop_limits_are_positive check (checkouts_per_customer_max > 0),
    -- whether customers whose names differ only in case, padding or invisible characters count as
    -- one for limits (customer_key). Off for ids in which case means something.
    customers_folded boolean not null default true,
    -- whether the storefront's role may sell without a gateway. A setting of its function alone
    -- would not stop that role.
    offline_allowed boolean not null default false,
    created_at timestamptz not null default now(),
    primary key (shop),
    constraint hold_times_are_bounded check (
        hold_s_default between 1 and hold_s_max and hold_s_max <= 86400
            and order_hold_s between 1 and 86400 and order_hold_s_untried between 1 and 86400),
    constraint shop_units_are_sane check (
        units_per_line_max between 1 and 1000000000 and units_per_cart_max between 1 and 1000000000)
);

create table holdfast.skus (
    shop text collate "C" not null references holdfast.shops,
    -- Compared by bytes. Every routine locks stock levels in this order, the same in every locale.
    sku text collate "C" not null constraint sku_code_is_plain
        check (sku ~ '^[A-Za-z0-9._:-]{1,64}$'),
    title text collate "C" not null constraint sku_title_is_short check (length(title) <= 200),
    attributes jsonb not null default '{}'
        constraint sku_attributes_are_an_object check (jsonb_typeof(attributes) = 'object')
        constraint sku_attributes_are_short check (octet_length(attributes::text) <= 131072),
    -- 50 lines of 100,000 units at the highest price fit a bigint
    price_minor bigint not null constraint price_is_sane
        check (price_minor between 0 and 100000000000),
    -- units that one customer may hold and have bought, together; null: no limit
    limit_per_customer integer
        constraint sku_limit_is_positive check (limit_per_customer > 0),
    sale_opens_at timestamptz,
    sale_closes_at timestamptz,
    retired_at timestamptz,
    created_at timestamptz not null default now(),
    primary key (shop, sku)
);
