-- Shops, and the skus that they sell. The shop is the first column of every key in this schema. So
-- each shop's data is separate, a call uses one shop, and an engine that shards PostgreSQL can keep
-- a shop's rows together (docs/scaling.md).

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

-- Every time of every table is between the years 1 and 9999, as a constraint of the table says
-- (…_times_can_be_shown). RFC 3339 has no form for another time: one such row would break every
-- list that shows it.

-- Whether every reader can show these attributes: at most 100, not nested deeper than parsers of
-- JSON go, and only numbers that a double keeps. Most parsers make every number a double: they
-- would round all others, and the next write would store the rounded number.
create function holdfast.attributes_can_be_shown(p_attributes jsonb) returns boolean
language sql immutable set search_path = holdfast, pg_temp as $$
    select (select count(*) from jsonb_object_keys(p_attributes)) <= 100
        and not jsonb_path_exists(p_attributes, 'strict $.**{60 to last}')
        and not exists (
            select from jsonb_path_query(p_attributes, 'strict $.** ? (@.type() == "number")') n,
                lateral (select (n #>> '{}')::numeric as number) v
            where v.number <> 0 and case
                when abs(v.number) between 1e-300 and 1e300
                    then v.number::double precision::text::numeric <> v.number
                else true end)
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
        units_per_line_max between 1 and 1000000000
            and units_per_cart_max between 1 and 1000000000),
    constraint shop_times_can_be_shown
        check (created_at >= '0001-01-01 00:00:00+00' and created_at < '10000-01-01 00:00:00+00')
);

create table holdfast.skus (
    shop text collate "C" not null references holdfast.shops,
    -- Compared by bytes. Every routine locks stock levels in this order, the same in every locale.
    -- No client can address `.` or `..`: it takes them out of a path before it sends the path.
    sku text collate "C" not null constraint sku_code_is_plain
        check (sku ~ '^[A-Za-z0-9._:-]{1,64}$' and sku not in ('.', '..')),
    title text collate "C" not null constraint sku_title_is_short check (length(title) <= 200),
    attributes jsonb not null default '{}'
        constraint sku_attributes_are_an_object check (jsonb_typeof(attributes) = 'object')
        constraint sku_attributes_are_short check (octet_length(attributes::text) <= 131072)
        constraint sku_attributes_can_be_shown check (holdfast.attributes_can_be_shown(attributes)),
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
    primary key (shop, sku),
    constraint sale_closes_after_it_opens check (sale_closes_at > sale_opens_at),
    constraint sku_times_can_be_shown check (
        least(sale_opens_at, sale_closes_at, retired_at, created_at) >= '0001-01-01 00:00:00+00'
            and greatest(sale_opens_at, sale_closes_at, retired_at, created_at)
                < '10000-01-01 00:00:00+00')
);
