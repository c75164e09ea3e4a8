-- p_way, if it is a choice for early lock release that this server takes. Otherwise an error that
-- names p_field and the reason: a server that refuses the message would refuse every sale.
create or replace function holdfast.early_release_checked(p_field text, p_way text) returns text
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_refused text;
begin
    if p_way is null or p_way not in ('auto', 'message', 'row-lock', 'off') then
        raise exception using errcode = 'invalid_parameter_value', message = format(
            '%s must be auto, message, row-lock or off, not %s',
            p_field, coalesce(quote_literal(left(p_way, 40)), 'null'));
    end if;
    if p_way = 'message' then
        v_refused := early_release_refused();
        if v_refused is not null then
            raise exception using errcode = 'invalid_parameter_value', message = format(
                '%s can''t be message, because the server refuses it: %s', p_field, v_refused);
        end if;
    end if;
    return p_way;
end;
$$;
