-- Puts what is stored in schema_early_release into early_release_chosen. Answers it, and why.
create or replace function holdfast.early_release_write(out o_way text, out o_why text)
language plpgsql set search_path = holdfast, pg_temp as $$
begin
    select coalesce(e.chosen, e.probed), case e.chosen_by
            when 'person' then 'a person chose it by early_release_choose'
            when 'deployment' then 'this deployment chose it'
            else e.probed_why
        end
    into strict o_way, o_why
    from schema_early_release e;
    execute format('create or '
        'replace function holdfast.early_release_chosen() returns text '
        'language sql immutable as %L', format('select %L::text', o_way));
end;
$$;
