-- A stock movement as the JSON of the HTTP contract.
create or replace function holdfast.movement_describe(p_movement holdfast.stock_movements)
    returns jsonb
language sql immutable set search_path = holdfast, pg_temp as $$
    select to_jsonb(p_movement) - 'shop'
$$;
