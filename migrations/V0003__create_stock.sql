-- How many units there are of each sku, and the ledger of every change of that number.

-- One row decides whether one sku can be sold. Its two counters agree with two journals: on_hand
-- with the stock movements, held with the holds.
create table holdfast.stock_levels (
    shop text collate "C" not null,
    sku text collate "C" not null,
    on_hand integer not null default 0,
    held integer not null default 0,
    version bigint not null default 0,
    -- Here and not in skus: the statement that changes a level also sees whether it crossed this
    -- threshold.
    low_stock_threshold integer not null default 0
        constraint low_stock_threshold_is_not_negative check (low_stock_threshold >= 0),
    primary key (shop, sku),
    foreign key (shop, sku) references holdfast.skus,
    constraint stock_never_oversold check (0 <= held and held <= on_hand),
    -- Staff raise it to 1,000,000,000 at most (stock_move, import_judge). The rest is for units
    -- that come back from orders, so that a full level refuses no return.
    constraint stock_on_hand_is_sane check (on_hand <= 2000000000)
)
-- Pages stay mostly empty: an update of a hot row finds room on its page and touches no index.
with (fillfactor = 20);

-- AFTER the update: a trigger BEFORE it would make PostgreSQL lock and log the hottest row first.
create trigger stock_version_rises
after update on holdfast.stock_levels
for each row when (new.version is distinct from old.version + 1)
execute function holdfast.refuse(
    'Read the row, then write "set …, version = version + 1 where … and version = <the version you '
    'read>". No row updated means that somebody was faster: read again.');

create trigger stock_level_is_never_deleted
before delete on holdfast.stock_levels
for each row
    execute function holdfast.refuse('Set skus.retired_at instead: the ledger needs the row.');

-- The ledger. A movement's number is the version that the change gave the stock level. It needs no
-- sequence, and two movements can never claim the same change.
create table holdfast.stock_movements (
    shop text collate "C" not null,
    sku text collate "C" not null,
    version bigint not null,
    delta integer not null constraint movement_moves_something check (delta <> 0),
    on_hand_after integer not null check (on_hand_after >= 0),
    -- missing: the units are gone, even if they were held; adjusted: the count was wrong
    reason text collate "C" not null
        constraint movement_reason_is_known
        check (reason in ('received', 'adjusted', 'sold', 'returned', 'missing')),
    actor text collate "C" not null
        constraint movement_names_an_actor check (length(actor) between 1 and 256),
    reference text collate "C" constraint movement_reference_is_short
        check (length(reference) <= 128),
    -- the clerk's own words
    note text collate "C" constraint movement_note_is_short check (length(note) between 1 and 500),
    -- made by the caller; the idempotency key of a stock change
    movement_id uuid,
    -- Not now(): a person's transaction may have begun long before, and the check of the promises
    -- looks for what was written lately.
    created_at timestamptz not null default clock_timestamp(),
    primary key (shop, sku, version),
    constraint movement_times_can_be_shown
        check (created_at >= '0001-01-01 00:00:00+00' and created_at < '10000-01-01 00:00:00+00')
);
create unique index stock_movements_of_id_idx on holdfast.stock_movements (shop, movement_id)
    where movement_id is not null;
create index stock_movements_by_time_idx on holdfast.stock_movements
    (shop, created_at, sku, version);
create index stock_movements_of_reference_idx on holdfast.stock_movements
    (shop, reference, created_at, sku, version);

create trigger ledger_is_append_only
before update or delete on holdfast.stock_movements
for each row execute function holdfast.refuse('Write a new movement that corrects the old one.');

create trigger ledger_is_never_truncated
before truncate on holdfast.stock_movements
for each statement execute function holdfast.refuse('The ledger is append-only.');

-- Nobody can commit a change of on_hand without its movement. The check runs at the end of the
-- transaction, so that the two may be written in either order. SECURITY DEFINER, because at commit
-- the current user is the caller again, who has no rights on the ledger.
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

-- The holds that a movement `missing` has broken: the answer to a repeated request.
create table holdfast.shrinkages (
    shop text collate "C" not null,
    sku text collate "C" not null,
    version bigint not null,
    broken jsonb not null constraint shrinkage_broken_is_a_list
        check (jsonb_typeof(broken) = 'array')
        -- stock_shrink_attempt breaks 10,000 holds at most
        constraint shrinkage_broken_is_bounded check (pg_column_size(broken) <= 10000000),
    primary key (shop, sku, version),
    foreign key (shop, sku, version) references holdfast.stock_movements
);

create trigger shrinkage_is_history
before update or delete on holdfast.shrinkages
for each row execute function holdfast.refuse('Stock that turns up again is a stock adjustment.');
