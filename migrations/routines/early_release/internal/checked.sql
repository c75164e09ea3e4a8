-- p_way, if it is a choice for early lock release. Otherwise an error that names them.
create or replace function holdfast.early_release_checked(p_way text) returns text
language plpgsql immutable set search_path = holdfast, pg_temp as $$
begin
    if p_way is null or p_way not in ('auto', 'message', 'row-lock', 'off') then
        raise exception using errcode = 'invalid_parameter_value', message = format(
            'p_way must be auto, message, row-lock or off, not %s',
            coalesce(quote_literal(left(p_way, 40)), 'null'));
    end if;
    return p_way;
end;
$$;
