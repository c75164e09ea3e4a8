-- Expires checkouts that the caller has locked. A checkout that can't be expired, because some row
-- of it breaks a constraint, never stops the others: o_failed has its id. It is found by halves. As
-- soon as some of the others have gone through together, the call ends, because going on behind
-- them would leave the lock order; the caller comes back for the rest. Nothing expired means that
-- none of them can be. Locks: as checkout_give_back.
create or replace function holdfast.checkout_expire(
    p_shop text, p_checkout_ids uuid[], out o_expired integer, out o_failed uuid[])
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_rest uuid[] := p_checkout_ids;
    v_part uuid[] := p_checkout_ids;
begin
    o_failed := '{}';
    loop
        begin
            o_expired := checkout_give_back(p_shop, v_part, 'expired');
            return;
        exception when check_violation or not_null_violation or numeric_value_out_of_range then
            -- rolling back to the savepoint released its locks too
            null;
        end;
        if cardinality(v_part) > 1 then
            v_part := v_part[1:cardinality(v_part) / 2];
        else
            o_failed := o_failed || v_part;
            v_rest := array_remove(v_rest, v_part[1]);
            v_part := v_rest;
        end if;
    end loop;
end;
$$;
