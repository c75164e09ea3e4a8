-- A stock level as the JSON of the HTTP contract.
create or replace function holdfast.stock_describe(p_level holdfast.stock_levels) returns jsonb
language sql immutable set search_path = holdfast, pg_temp as $$
    select jsonb_build_object(
        'sku', p_level.sku,
        'on_hand', p_level.on_hand,
        'held', p_level.held,
        'available', p_level.on_hand - p_level.held,
        'version', p_level.version)
$$;
