-- Expires checkouts that the caller has locked. A checkout that can't be expired, because some row
-- of it breaks a constraint, never stops the others: its id comes back in o_failed. When there is
-- one, at most one good checkout is done in this call, because doing several one by one would leave
-- the lock order; the caller comes back for the rest. Locks: as checkout_let_go.
create or replace function holdfast.checkout_expire(
    p_shop text, p_checkout_ids uuid[], out o_expired integer, out o_failed uuid[])
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_id uuid;
begin
    o_failed := '{}';
    begin
        o_expired := checkout_let_go(p_shop, p_checkout_ids, 'expired');
        return;
    exception when check_violation or not_null_violation or numeric_value_out_of_range then
        o_expired := 0;
    end;
    foreach v_id in array p_checkout_ids loop
        begin
            o_expired := checkout_let_go(p_shop, array[v_id], 'expired');
            return;
        exception when check_violation or not_null_violation or numeric_value_out_of_range then
            o_failed := o_failed || v_id;
        end;
    end loop;
end;
$$;
