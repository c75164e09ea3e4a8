-- One refusal of a row of an import, in the form of the report.
create or replace function holdfast.import_refusal(p_field text, p_value text, p_why text)
    returns text
language sql stable as $$
    select jsonb_build_array(
        jsonb_build_object('field', p_field, 'value', p_value, 'why', p_why))::text
$$;
