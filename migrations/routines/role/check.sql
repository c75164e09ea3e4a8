-- What is not as it should be with the roles that log in. o_by_itself: the role can have done it by
-- itself, and it stays when an attacker is gone:
-- - a setting, for every database or for this one, that role_settings does not name (PostgreSQL
--   lets each role set defaults of its own sessions);
-- - an object that belongs to it, such as a large object.
-- Otherwise an operator has not done it, or could not:
-- - any number of sessions, or more than four fifths of what the server has by now;
-- - temporary tables and large objects, here or, by a session of its own, in another database of
--   the server.
-- A changed password can't be seen: the role's function fails to log in. No locks.
create or replace function holdfast.role_check()
    returns table (o_role text, o_what text, o_by_itself boolean)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    return query
    with
    -- the owner has no settings, because nobody logs in as it
    role as (
        select r.oid, r.rolname::text as name, r.rolconnlimit from pg_roles r
        where r.rolname in (select s.o_role from role_settings() s)
            or r.rolname = 'holdfast_owner'),
    wanted as (select s.o_role as name, s.o_setting || '=' || s.o_value as setting
        from role_settings() s),
    found as (
        select role.name, d.setdatabase, setting
        from role
            join pg_db_role_setting d on d.setrole = role.oid and d.setdatabase in (0, (
                select b.oid from pg_database b where b.datname = current_database()))
            cross join unnest(d.setconfig) setting)
    select f.name, f.setting || case f.setdatabase when 0 then '' else ' in this database' end, true
    from found f
    -- a role can't set temp_file_limit: roles.sql does, where a superuser migrates
    where f.setdatabase <> 0
        or f.setting not like 'temp_file_limit=%'
            and not exists (select from wanted w where w.name = f.name and w.setting = f.setting)
    union all
    select w.name, w.setting || ' is not set', true
    from wanted w
    where not exists (select from found f
        where f.name = w.name and f.setting = w.setting and f.setdatabase = 0)
    union all
    select role.name, 'owns ' || count(*) || ' ' || d.classid::regclass || ' here or on the server',
        true
    from role join pg_shdepend d on d.refclassid = 'pg_authid'::regclass and d.refobjid = role.oid
        and d.deptype = 'o' and d.dbid in (0, (
            select b.oid from pg_database b where b.datname = current_database()))
    where role.name not in ('holdfast_owner', 'holdfast_migrator')
    group by role.name, d.classid
    union all
    select role.name, 'may open any number of sessions', false
    from role where role.rolconnlimit = -1 and role.name <> 'holdfast_owner'
    union all
    select role.name, format('may open %s sessions of the server''s %s', role.rolconnlimit,
        current_setting('max_connections')), false
    from role
    where role.name <> 'holdfast_owner'
        and role.rolconnlimit > current_setting('max_connections')::integer * 4 / 5
    union all
    select role.name, 'may connect to ' || string_agg(quote_ident(b.datname), ', '
        order by b.datname), false
    from role join pg_database b on b.datallowconn and b.datname <> current_database()
        and has_database_privilege(role.oid, b.oid, 'connect')
    where role.name <> 'holdfast_owner'
    group by role.name
    union all
    select role.name, 'may create temporary tables', false
    from role
    where role.name <> 'holdfast_owner'
        and has_database_privilege(role.oid, current_database(), 'temporary')
    union all
    select role.name, 'may create large objects', false
    from role
    where role.name <> 'holdfast_owner'
        and (has_function_privilege(role.oid, 'pg_catalog.lo_create(oid)', 'execute')
            or has_function_privilege(role.oid, 'pg_catalog.lo_creat(integer)', 'execute')
            or has_function_privilege(role.oid, 'pg_catalog.lo_from_bytea(oid, bytea)', 'execute'))
    order by 1, 2;
end;
$$;
