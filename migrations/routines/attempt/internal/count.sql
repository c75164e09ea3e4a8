-- Counts the attempts of one call. An attempt repeats because another call was faster. Ends the
-- call with an error at the 1000th.
create or replace function holdfast.attempt_count(p_routine text, p_attempts integer)
    returns integer
language plpgsql set search_path = holdfast, pg_temp as $$
begin
    if p_attempts = 999 then
        raise exception using errcode = 'serialization_failure',
            message = format('%s: other calls were faster 1000 times', p_routine);
    end if;
    return p_attempts + 1;
end;
$$;
