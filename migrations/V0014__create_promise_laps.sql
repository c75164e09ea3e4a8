-- How far the check of the promises has come in each shop. Only promises_sweep and promises_recheck
-- write here.

-- One thing that promises are about: a row and the rows that must agree with it. The kind says what
-- a and b are:
--   sku       sku
--   movement  sku, version
--   checkout  checkout id
--   order     order id
--   event     gateway, event key
--   units     customer, sku
--   customer  customer
--   coupon    code
--   use       code, customer
-- b is '' where there is none.
create type holdfast.promise_subject as (kind text, a text, b text);

-- `changed` reads what was written since the last lap, and what is open. `history` reads every row.
create table holdfast.promise_laps (
    shop text collate "C" not null references holdfast.shops,
    lap text collate "C" not null
        constraint promise_lap_is_known check (lap in ('changed', 'history')),
    -- where the lap under way goes on; null: the next call begins a lap
    position jsonb,
    began_at timestamptz,
    -- when the last complete lap began: what was committed before is checked
    checked_at timestamptz,
    -- Of `changed`. A lap reads rows from read_from on. Every row that is stamped earlier was
    -- committed when a lap read it. The first lap begins here: the history's lap meets older rows.
    read_from timestamptz not null default now() - interval '30 seconds',
    -- where the next lap will begin, if this one ends
    read_from_next timestamptz,
    -- A time, and a transaction that began to write after it. Once all transactions with a smaller
    -- number have ended, no row with an earlier stamp can appear any more.
    settles_at timestamptz,
    settles_with xid8,
    primary key (shop, lap),
    constraint promise_lap_times_can_be_shown check (
        least(began_at, checked_at, read_from, read_from_next, settles_at)
                >= '0001-01-01 00:00:00+00'
            and greatest(began_at, checked_at, read_from, read_from_next, settles_at)
                < '10000-01-01 00:00:00+00')
);

-- Subjects that broke a promise when they were last checked. Every sweep checks them again, so that
-- an alarm lasts until the rows are right.
create table holdfast.promise_breaches (
    shop text collate "C" not null references holdfast.shops,
    kind text collate "C" not null,
    a text collate "C" not null,
    b text collate "C" not null,
    found_at timestamptz not null default clock_timestamp(),
    primary key (shop, kind, a, b),
    constraint promise_breach_times_can_be_shown
        check (found_at >= '0001-01-01 00:00:00+00' and found_at < '10000-01-01 00:00:00+00')
);

-- The sum of customer_coupons.uses_counted. So a coupon's uses are checked without adding up its
-- customers: this sum, and the few that differ from what was counted (promises_count_uses).
create table holdfast.promise_coupons (
    shop text collate "C" not null,
    code text collate "C" not null,
    uses_counted bigint not null default 0,
    primary key (shop, code),
    foreign key (shop, code) references holdfast.coupons
);
