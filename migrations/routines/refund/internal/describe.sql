-- A refund as the JSON of the HTTP contract.
create or replace function holdfast.refund_describe(p_refund holdfast.refunds) returns jsonb
language sql immutable set search_path = holdfast, pg_temp as $$
    select to_jsonb(p_refund) - '{shop,request_hash,changed_at,despite_dispute}'::text[]
$$;
