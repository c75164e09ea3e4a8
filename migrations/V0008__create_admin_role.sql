-- What the stock office needs: a role of its own, limits that a clerk sets, and words and an id on
-- each stock movement. The limits are only columns here; the routines count them from V0012 on.

-- The admin function's role. Apart from holdfast_app, so that a hole in the storefront's function
-- opens no way to stock and prices, and the other way round: it may EXECUTE the admin routines and
-- touch no table. LOGIN without a password: password authentication stays impossible until the
-- operator sets one.
do $$
begin
    -- Its settings come with it: a second database on this server finds both, and two migrations at
    -- once never change the same role.
    if exists (select from pg_roles where rolname = 'holdfast_admin') then
        return;
    end if;
    create role holdfast_admin login;
    -- On the role and not by SET in a session, which would pin a pooled connection.
    -- statement_timeout: a clerk's page, or one part of an import. Too low and the check of a large
    --   shop never ends well; too high and a call whose caller is long dead goes on.
    alter role holdfast_admin set statement_timeout = '20s';
    -- lock_timeout: the longest wait for one lock, below the 20 seconds of a call. A clerk waits
    --   for a hot row as everybody does, and it is locked for microseconds.
    alter role holdfast_admin set lock_timeout = '5s';
    -- idle_in_transaction: one call is one transaction, so a session is never idle inside one
    --   unless its caller died.
    alter role holdfast_admin set idle_in_transaction_session_timeout = '5s';
    -- enable_seqscan: every statement of a routine goes by an index, as for holdfast_app.
    alter role holdfast_admin set enable_seqscan = off;
exception when duplicate_object or unique_violation then
    -- another database's migration made it a moment ago
    null;
end;
$$;

grant usage on schema holdfast to holdfast_admin;

-- How many checkouts of one customer may hold stock at a time; null: as many as they like.
alter table holdfast.shops add column checkouts_per_customer_max integer
    constraint shop_limits_are_positive check (checkouts_per_customer_max > 0);

-- Units of this sku that one customer may have, held and bought together; null: no limit.
alter table holdfast.skus add column limit_per_customer integer
    constraint sku_limit_is_positive check (limit_per_customer > 0);

alter table holdfast.coupons
    -- uses of one customer, held and consumed together; null: no limit
    add column uses_per_customer_max integer
        constraint coupon_limit_is_positive check (uses_per_customer_max > 0),
    -- what it takes something off: lines of these skus; null: of every sku
    add column skus text[] collate "C"
        constraint coupon_skus_are_some check (cardinality(skus) between 1 and 500);

-- Beside the counter that it is compared with: whoever changes a stock level can then tell, in the
-- same statement, whether it has crossed the threshold.
alter table holdfast.stock_levels add column low_stock_threshold integer not null default 0
    constraint low_stock_threshold_is_not_negative check (low_stock_threshold >= 0);
update holdfast.stock_levels l
set low_stock_threshold = k.low_stock_threshold, version = l.version + 1
from holdfast.skus k
where k.shop = l.shop and k.sku = l.sku and k.low_stock_threshold <> 0;
alter table holdfast.skus drop column low_stock_threshold;

alter table holdfast.stock_movements
    -- the clerk's own words; `reason` is one of a few, for sums
    add column note text constraint movement_note_is_short check (length(note) between 1 and 500),
    -- made by the caller: the idempotency key of a change of stock
    add column movement_id uuid;
create unique index stock_movements_of_id_idx on holdfast.stock_movements (shop, movement_id)
    where movement_id is not null;

-- They answer more, or take more, than `create or replace` may change; the routines' files make
-- them anew in the same run.
drop function if exists holdfast.shop_put(text, text, text);
drop function if exists holdfast.sku_put(text, text, text, jsonb, bigint, integer, timestamptz,
    timestamptz);
drop function if exists holdfast.stock_adjust(text, text, integer, bigint, text, text, text);
drop function if exists holdfast.coupon_put(text, text, text, bigint, bigint, timestamptz,
    timestamptz, integer);
