-- Why this server refuses the message, or null if it takes it. The functions' roles write it
-- (early_release_persist), so each of them needs the right, and not only the owner.
create or replace function holdfast.early_release_refused() returns text
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_role text;
begin
    -- by name and oid: the message got a fourth argument in PostgreSQL 17
    select r.rolname into v_role
    from pg_roles r
    where r.rolname in (
            'holdfast_checkout', 'holdfast_payments', 'holdfast_sweeper', 'holdfast_admin',
            'holdfast_console')
        and not exists (
            select from pg_proc p
            where p.proname = 'pg_logical_emit_message'
                and p.pronamespace = 'pg_catalog'::regnamespace
                and p.proargtypes[2] = 'text'::regtype
                and has_function_privilege(r.oid, p.oid, 'execute'))
    order by r.rolname
    limit 1;
    if found then
        return v_role || ' has no right to write it';
    end if;
    perform pg_logical_emit_message(true, 'holdfast', '');
    return null;
exception when others then
    return left(sqlerrm, 200);
end;
$$;
