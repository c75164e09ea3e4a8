-- A capture as the JSON of the HTTP contract.
create or replace function holdfast.capture_describe(p_capture holdfast.payment_captures)
    returns jsonb
language sql immutable set search_path = holdfast, pg_temp as $$
    select to_jsonb(p_capture) - '{shop,reference}'::text[]
$$;
