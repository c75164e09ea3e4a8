-- Makes the triggers run on the shards of a Citus cluster, too (docs/scaling.md). On PostgreSQL
-- alone nothing changes. tools/lint/citus.py says what Citus refuses.

-- In PL/pgSQL: Citus can't plan a query of an SQL function that uses its parameters.
create or replace function holdfast.outbox_group(
    p_shop text, p_topic text, p_subject text, p_body jsonb) returns text
language plpgsql stable set search_path = holdfast, pg_temp as $$
declare
    v_order_id uuid;
begin
    if p_body ->> 'order_id' is null and p_body ->> 'reference' is not null then
        select p.order_id into v_order_id from payments p
        where p.shop = p_shop and p.reference = p_body ->> 'reference';
    end if;
    return coalesce(
        'order/' || (p_body ->> 'order_id'),
        'order/' || v_order_id,
        'checkout/' || (p_body ->> 'checkout_id'),
        'sku/' || (p_body ->> 'sku'),
        -- about no order of ours: a group of its own
        p_topic || '/' || p_subject);
end;
$$;

-- Logged: Citus moves shards by logical replication, which does not see unlogged tables, and needs
-- a key or the whole row. It is empty after every commit, so this takes no time.
-- squawk-ignore prefer-robust-stmts
alter table holdfast.must_roll_back set logged;
alter table holdfast.must_roll_back replica identity full;
