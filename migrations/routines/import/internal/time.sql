-- A time in a report of an import, by RFC 3339.
create or replace function holdfast.import_time(p_time timestamptz) returns text
language sql stable set search_path = holdfast, pg_temp as $$
    select to_jsonb(p_time at time zone 'UTC') #>> '{}' || 'Z'
$$;
