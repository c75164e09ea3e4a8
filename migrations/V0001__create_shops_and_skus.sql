-- Who sells, and what. The shop is the first column of every key in this schema: one shop's data is
-- its own, one call touches one shop, and an engine that shards PostgreSQL can place a shop's rows
-- together (optional/distribute.sql).

-- The body of every "this must not happen" trigger. The condition stands in the trigger's WHEN
-- clause, so that a row that keeps the rule never calls it; the first argument says what to do
-- instead.
create function holdfast.refuse() returns trigger language plpgsql as $$
begin
    raise exception using
        errcode = 'check_violation',
        constraint = tg_name, table = tg_table_name, schema = tg_table_schema,
        message = format('%s on %s refused by %s', lower(tg_op), tg_table_name, tg_name),
        hint = tg_argv[0];
end;
$$;

create table holdfast.shops (
    -- short, because it is the first part of every payment reference
    shop text collate "C" not null
        constraint shop_code_is_short_and_plain check (shop ~ '^[a-z0-9]{1,12}$'),
    name text not null,
    -- one currency a shop: a cart can then never mix two
    currency text not null constraint currency_is_iso_4217 check (currency ~ '^[A-Z]{3}$'),
    -- how long a new checkout holds stock, and the longest it may ask for
    hold_s_default integer not null default 1200,
    hold_s_max integer not null default 1800,
    -- how long an order that awaits its payment holds stock
    order_hold_s integer not null default 1800,
    created_at timestamptz not null default now(),
    primary key (shop),
    constraint hold_times_are_bounded check (
        hold_s_default between 1 and hold_s_max and hold_s_max <= 86400
            and order_hold_s between 1 and 86400)
);

create table holdfast.skus (
    shop text collate "C" not null references holdfast.shops,
    -- bytewise order: the order in which every routine locks stock levels, the same in every locale
    sku text collate "C" not null constraint sku_code_is_plain
        check (sku ~ '^[A-Za-z0-9._:-]{1,64}$'),
    title text not null,
    attributes jsonb not null default '{}'
        constraint sku_attributes_are_an_object check (jsonb_typeof(attributes) = 'object'),
    -- the upper bound keeps 50 lines of 100,000 units far inside a bigint
    price_minor bigint not null constraint price_is_sane
        check (price_minor between 0 and 100000000000),
    low_stock_threshold integer not null default 0 check (low_stock_threshold >= 0),
    sale_opens_at timestamptz,
    sale_closes_at timestamptz,
    retired_at timestamptz,
    created_at timestamptz not null default now(),
    primary key (shop, sku)
);

-- The counters. One row is the whole truth about one sku; holds and stock movements are the
-- journals it agrees with.
create table holdfast.stock_levels (
    shop text collate "C" not null,
    sku text collate "C" not null,
    on_hand integer not null default 0,
    held integer not null default 0,
    version bigint not null default 0,
    primary key (shop, sku),
    foreign key (shop, sku) references holdfast.skus,
    constraint stock_never_oversold check (0 <= held and held <= on_hand),
    constraint stock_on_hand_is_sane check (on_hand <= 1000000000)
)
-- mostly empty pages: every update of a hot row finds room beside it and touches no index
with (fillfactor = 20);

create trigger stock_version_rises
before update on holdfast.stock_levels
for each row when (new.version is distinct from old.version + 1)
execute function holdfast.refuse(
    'Read the row, then write "set …, version = version + 1 where … and version = <the version you '
    'read>". No row updated means that somebody was faster: read again.');

create trigger stock_level_is_never_deleted
before delete on holdfast.stock_levels
for each row
    execute function holdfast.refuse('Set skus.retired_at instead: the ledger needs the row.');

-- The ledger of every change of on_hand. The version that the change gave the stock level is its
-- number: no sequence, and two movements can never claim the same change.
create table holdfast.stock_movements (
    shop text collate "C" not null,
    sku text collate "C" not null,
    version bigint not null,
    delta integer not null constraint movement_moves_something check (delta <> 0),
    on_hand_after integer not null check (on_hand_after >= 0),
    reason text not null
        constraint movement_reason_is_known
        check (reason in ('received', 'adjusted', 'sold', 'returned')),
    actor text not null constraint movement_names_an_actor check (actor <> ''),
    reference text,
    created_at timestamptz not null default now(),
    primary key (shop, sku, version)
);
create index stock_movements_of_reference_idx on holdfast.stock_movements (shop, reference);

create trigger ledger_is_append_only
before update or delete on holdfast.stock_movements
for each row execute function holdfast.refuse('Write a new movement that corrects the old one.');

create trigger ledger_is_never_truncated
before truncate on holdfast.stock_movements
for each statement execute function holdfast.refuse('The ledger is append-only.');

-- A change of on_hand without its movement can't be committed, whoever writes the statement. At the
-- end of the transaction, so that the two may be written in either order. SECURITY DEFINER because
-- it fires at commit, when a caller without rights on the ledger is the current user again.
create function holdfast.stock_change_is_in_the_ledger() returns trigger
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_delta integer := new.on_hand - case tg_op when 'UPDATE' then old.on_hand else 0 end;
begin
    perform from stock_movements m
    where m.shop = new.shop and m.sku = new.sku and m.version = new.version
        and m.delta = v_delta and m.on_hand_after = new.on_hand;
    if not found then
        raise exception using
            errcode = 'check_violation', constraint = tg_name, table = tg_table_name,
                schema = tg_table_schema,
            message = format('on_hand of %s/%s changed by %s without a stock movement', new.shop,
                new.sku, v_delta),
            hint = 'Call holdfast.stock_adjust(…), or insert the movement with this version in the '
                'same transaction.';
    end if;
    return null;
end;
$$;

create constraint trigger stock_change_is_in_the_ledger_on_update
after update of on_hand on holdfast.stock_levels deferrable initially deferred
for each row when (new.on_hand <> old.on_hand)
    execute function holdfast.stock_change_is_in_the_ledger();

create constraint trigger stock_change_is_in_the_ledger_on_insert
after insert on holdfast.stock_levels deferrable initially deferred
for each row when (new.on_hand <> 0) execute function holdfast.stock_change_is_in_the_ledger();
