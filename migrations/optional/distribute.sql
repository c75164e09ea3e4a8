-- Optional, and never applied by `migrate`: distributes every table over the nodes of a Citus
-- cluster, by shop. Run it once, as a superuser, on the coordinator, after `migrate` and before
-- you make the first shop:
--
--     psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f migrations/optional/distribute.sql
--
-- `shop` is the first column of every primary, unique and foreign key, every statement of a routine
-- names it, and a call touches one shop. So one node has all rows of a call, and foreign keys, FOR
-- UPDATE SKIP LOCKED and constraints work there unchanged.
--
-- These statements ran on Citus 13.2 with a prototype of this schema. This file has not run on a
-- cluster yet: rehearse it first.

begin;

-- Citus allows triggers only on this promise: they read rows of their own shard alone. Ours compare
-- OLD with NEW, or read and write rows of the same shop.
set local citus.enable_unsafe_triggers = on;

-- Early lock release is sound only where the node that runs a call also flushes its log. Behind a
-- coordinator, the flush would go to the wrong node's log. Turn it on again only for clients that
-- connect to the node of their shop.
do $$ begin execute format('alter database %I set holdfast.early_release = off',
    current_database()); end $$;

select create_distributed_table('holdfast.shops', 'shop');
select create_distributed_table('holdfast.skus', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.stock_levels', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.stock_movements', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.checkouts', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.checkout_revocations', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.holds', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.coupons', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.addresses', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.orders', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.order_lines', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.order_restocks', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.payments', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.payment_events', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.payment_event_contradictions', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.payment_captures', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.refunds', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.disputes', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.gateway_orders', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.outbox_messages', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.subscribers', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.subscriber_deliveries', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.announcements', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.customer_checkouts', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.customer_units', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.customer_coupons', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.promise_laps', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.promise_breaches', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.promise_coupons', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.shrinkages', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table(
    'holdfast.must_roll_back', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.imports', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.import_parts', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.import_chunks', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.import_skus', 'shop', colocate_with => 'holdfast.shops');

commit;
