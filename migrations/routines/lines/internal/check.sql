-- Refuses lines that no client of this schema sends: no line, arrays of different lengths,
-- quantities below one, or lines that are not sorted by sku, bytewise, and merged. That is the lock
-- order. The client sorts; this routine only checks the order.
create or replace function holdfast.lines_check(
    p_routine text, p_skus text[], p_quantities integer[]) returns void
language plpgsql immutable set search_path = holdfast, pg_temp as $$
begin
    if coalesce(cardinality(p_skus), 0) = 0 then
        raise exception using errcode = 'invalid_parameter_value',
            message = format('%s: at least one line is needed', p_routine);
    end if;
    if cardinality(p_quantities) is distinct from cardinality(p_skus)
        or not 1 <= all (p_quantities)
    then
        raise exception using errcode = 'invalid_parameter_value',
            message = format('%s: each line needs a quantity of at least one', p_routine);
    end if;
    for i in 2 .. cardinality(p_skus) loop
        if p_skus[i] collate "C" <= p_skus[i - 1] collate "C" then
            raise exception using errcode = 'invalid_parameter_value',
                message = format(
                    '%s: the lines must be sorted by sku, bytewise, and merged', p_routine);
        end if;
    end loop;
end;
$$;
