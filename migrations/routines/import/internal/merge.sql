-- A sku's attributes after the changes of a row, a JSON object: null removes an attribute, anything
-- else sets it, and the others stay. No locks.
create or replace function holdfast.import_merge(p_attributes jsonb, p_changes text) returns jsonb
language sql stable set search_path = holdfast, pg_temp as $$
    select (coalesce(p_attributes, '{}') || coalesce(p_changes::jsonb, '{}')) - array(
        select c.key from jsonb_each(p_changes::jsonb) c where c.value = 'null')
$$;
