-- Expires checkouts that the caller has locked. If a row of a checkout breaks a constraint, that
-- checkout can't be expired, and o_failed has its id. It never stops the others. The routine finds
-- it by halving the list. It returns as soon as a part of the others is expired: a further part
-- would take locks out of order. The caller calls again for the rest. If nothing is expired, none
-- of these can be. Locks: as checkout_give_back.
--
-- The commit does not wait for the disk, so the lock of a hot row is short (early lock release). No
-- caller is told about these checkouts: after a crash they are due again.
create or replace function holdfast.checkout_expire(
    p_shop text, p_checkout_ids uuid[], out o_expired integer, out o_failed uuid[])
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_rest uuid[] := p_checkout_ids;
    v_part uuid[] := p_checkout_ids;
begin
    if early_release_way() <> 'off' then
        perform set_config('synchronous_commit', 'off', true);
    end if;
    o_failed := '{}';
    loop
        begin
            o_expired := checkout_give_back(p_shop, v_part, 'expired');
            return;
        exception when check_violation or not_null_violation or numeric_value_out_of_range then
            -- the rollback to the savepoint has released its locks, too
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
