-- The version at which an order takes no further change of its lines and no return of goods. Each
-- change leaves rows in the ledger and in the outbox, and staff can repeat them without end.
create or replace function holdfast.order_changes_max() returns bigint
language sql immutable set search_path = holdfast, pg_temp as $$
    select 1000
$$;
