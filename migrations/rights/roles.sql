-- The settings and bounds of the roles that log in, and what everybody may do in the database.
-- Every migration applies this file after the release, in a transaction of its own, as the user
-- that migrates. A role can change its own settings for good (`alter role … set`), so a migration
-- puts them back: that ends what an attacker left behind. It alters nothing that is right already:
-- two migrations that alter one role at once would fail.
--
-- Only a superuser, or a user that may create roles and has made these ones, may alter them. For
-- any other user, such as holdfast_migrator, role_check names what is left to do.
--
-- A role can also keep its own settings locked: it alters itself, and does not commit. So each step
-- may fail without the others, and role_check names what is left.
do $$
declare
    v_role record;
    v_setting record;
begin
    for v_role in
        select r.rolname, r.rolconnlimit,
            exists (select from holdfast.role_check() c
                where c.o_role = r.rolname and c.o_what not like 'owns %' and c.o_by_itself)
                as differs,
            exists (select from pg_db_role_setting d
                where d.setrole = r.oid and d.setdatabase = 0
                    and 'temp_file_limit=1GB' = any (d.setconfig)) as spills_little
        from pg_roles r
        where r.rolname in (select s.o_role from holdfast.role_settings() s)
            or r.rolname = 'holdfast_owner'
        order by r.rolname
    loop
        begin
            if v_role.differs then
                execute format('alter role %I in database %I reset all', v_role.rolname,
                    current_database());
                execute format('alter role %I reset all', v_role.rolname);
                for v_setting in
                    select * from holdfast.role_settings() s where s.o_role = v_role.rolname
                loop
                    execute format('alter role %I set %I = %L', v_role.rolname,
                        v_setting.o_setting, v_setting.o_value);
                end loop;
            end if;
        exception when insufficient_privilege or lock_not_available or deadlock_detected
            or unique_violation
            or internal_error  -- tuple concurrently updated
        then
            null;
        end;
        continue when v_role.rolname = 'holdfast_owner';
        begin
            -- No role alone can take the sessions of all others. A bound that an operator has set
            -- stays.
            if v_role.rolconnlimit = -1 then
                execute format('alter role %I connection limit %s', v_role.rolname,
                    current_setting('max_connections')::integer * 4 / 5);
            end if;
        exception when insufficient_privilege or lock_not_available or deadlock_detected
            or internal_error
        then
            null;
        end;
        begin
            -- One session's sorts and loops can't fill the disk. Only a superuser may set this, and
            -- so no role takes it away from itself. Not in role_settings: elsewhere it is missing,
            -- and nobody can mend that.
            if v_role.differs or not v_role.spills_little then
                execute format('alter role %I set temp_file_limit = %L', v_role.rolname, '1GB');
            end if;
        exception when insufficient_privilege or lock_not_available or deadlock_detected
            or unique_violation or internal_error
        then
            null;
        end;
    end loop;
    begin
        -- No routine makes temporary tables or large objects, and no caller needs them. Without
        -- them, nobody can put a table of the same name in front of a real one, or fill the disk
        -- with them. Where the server's owner keeps these rights to itself, as RDS does, PostgreSQL
        -- warns, and role_check says so.
        if has_database_privilege('public', current_database(), 'temporary') then
            execute format('revoke temporary on database %I from public', current_database());
        end if;
        if has_function_privilege('public', 'pg_catalog.lo_create(oid)', 'execute')
            or has_function_privilege('public', 'pg_catalog.lo_creat(integer)', 'execute')
            or has_function_privilege('public', 'pg_catalog.lo_from_bytea(oid, bytea)', 'execute')
        then
            revoke execute on function pg_catalog.lo_create(oid), pg_catalog.lo_creat(integer),
                pg_catalog.lo_from_bytea(oid, bytea) from public;
        end if;
    exception when insufficient_privilege or lock_not_available or deadlock_detected
        or internal_error
    then
        null;
    end;
end;
$$;
