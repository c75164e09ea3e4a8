-- A payment event as the JSON of the HTTP contract. Without the gateway's message, which may be
-- long and contains personal data.
create or replace function holdfast.event_describe(p_event holdfast.payment_events) returns jsonb
language sql immutable set search_path = holdfast, pg_temp as $$
    select to_jsonb(p_event) - '{shop,payload,consider_at}'::text[]
$$;
