-- A time in a report of an import.
create or replace function holdfast.import_time(p_time timestamptz) returns text
language sql stable set search_path = holdfast, pg_temp as $$
    select to_char(p_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;
