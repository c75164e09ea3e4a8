-- A hold as the JSON of the HTTP contract.
create or replace function holdfast.hold_describe(p_hold holdfast.holds) returns jsonb
language sql immutable set search_path = holdfast, pg_temp as $$
    select jsonb_build_object(
        'checkout_id', p_hold.checkout_id,
        'generation', p_hold.generation,
        'sku', p_hold.sku,
        'quantity', p_hold.quantity,
        'price_minor', p_hold.price_minor,
        'status', p_hold.status,
        'expires_at', p_hold.expires_at,
        'created_at', p_hold.created_at,
        'resolved_at', p_hold.resolved_at)
$$;
