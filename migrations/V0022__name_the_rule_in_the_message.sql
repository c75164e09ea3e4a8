-- The message of a refusal names its rule as PostgreSQL's own messages do. An error of another node
-- of a Citus cluster has no constraint field: the message is the only place for the name
-- (docs/scaling.md).

create or replace function holdfast.refuse() returns trigger
language plpgsql set search_path = holdfast, pg_temp as $$
begin
    raise exception using
        errcode = 'check_violation',
        constraint = tg_name, table = tg_table_name, schema = tg_table_schema,
        message = format('%s on "%s" violates constraint "%s"', lower(tg_op), tg_table_name,
            tg_name),
        hint = tg_argv[0];
end;
$$;

create or replace function holdfast.stock_change_is_in_the_ledger() returns trigger
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
            message = format('a change of on_hand of %s/%s by %s without a stock movement violates '
                'constraint "%s"', new.shop, new.sku, v_delta, tg_name),
            hint = 'Call holdfast.stock_adjust(…), or insert the movement with this version in the '
                'same transaction.';
    end if;
    return null;
end;
$$;
