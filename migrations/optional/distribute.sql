-- Optional, and never applied by `migrate`: distributes every table over the nodes of a Citus
-- cluster, by shop. Run it once, as a superuser, on the coordinator, after `migrate` and before the
-- first shop is put:
--
--     psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f migrations/optional/distribute.sql
--
-- Why it is this short: `shop` is the first column of every primary, unique and foreign key, every
-- statement of a routine names it, and a call touches one shop. So all rows of a call lie on one
-- node, and foreign keys, FOR UPDATE SKIP LOCKED and constraints work there unchanged.
--
-- Its statements were tried on Citus 13.2 with a prototype of this schema. This file itself has not
-- been run on a cluster yet: rehearse it before you rely on it.

begin;

-- Citus wants to be told that triggers look at nothing but rows of their own shard. Here they
-- compare OLD with NEW, or look up the movement of the same shop.
set local citus.enable_unsafe_triggers = on;

-- Early lock release is sound only where a whole call runs on the node that flushes. With a
-- coordinator in between it does not: the flush would go to the wrong node's log. Turn it on again
-- only for clients that connect to the node that owns their shop.
do $$ begin execute format('alter database %I set holdfast.early_release = off',
    current_database()); end $$;

select create_distributed_table('holdfast.shops', 'shop');
select create_distributed_table('holdfast.skus', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.stock_levels', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.stock_movements', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.checkouts', 'shop', colocate_with => 'holdfast.shops');
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
select create_distributed_table('holdfast.payment_captures', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.refunds', 'shop', colocate_with => 'holdfast.shops');
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
select create_distributed_table('holdfast.shrinkages', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.refused_work', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.imports', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.import_parts', 'shop', colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.import_chunks', 'shop',
    colocate_with => 'holdfast.shops');
select create_distributed_table('holdfast.import_skus', 'shop', colocate_with => 'holdfast.shops');

commit;
