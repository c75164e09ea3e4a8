-- Database roles: one owns everything, one migrates, each function has its own, and one is for a
-- person who reads. rights/rights.sql says which routines each may call, rights/roles.sql sets
-- their settings; docs/rights.md shows both. The database's owner runs this file, because it
-- creates roles. holdfast_migrator may run all later files. No role has a password: nobody can log
-- in by password until the operator sets one.

do $$
declare
    v_role text;
    v_attributes text;
begin
    -- customer_key normalizes names, which PostgreSQL does for this encoding alone
    if current_setting('server_encoding') <> 'UTF8' then
        raise exception 'the database has the encoding %, and must have UTF8',
            current_setting('server_encoding');
    end if;
    -- and folds them by this collation
    if to_regcollation('"und-x-icu"') is null then
        raise exception 'this PostgreSQL has no ICU collations, and Holdfast needs und-x-icu';
    end if;
    for v_role, v_attributes in values
        -- Owns the schema, its tables and its routines, which run with its rights. Nobody can log
        -- in as this role.
        ('holdfast_owner', 'nologin'),
        ('holdfast_migrator', 'login in role holdfast_owner'),
        ('holdfast_checkout', 'login'),
        ('holdfast_payments', 'login'),
        ('holdfast_sweeper', 'login'),
        -- A role of its own: an attacker in the storefront's function cannot change stock and
        -- prices.
        ('holdfast_admin', 'login'),
        ('holdfast_console', 'login'),
        ('holdfast_readonly', 'login')
    loop
        -- A role is made once for the whole server. A migration of a second database finds it.
        continue when exists (select from pg_roles where rolname = v_role);
        begin
            execute format('create role %I %s', v_role, v_attributes);
        exception when duplicate_object or unique_violation then
            -- Another database's migration has just made it.
            null;
        end;
    end loop;

    -- Only a member of the owner may give it things, unless that member is a superuser. Since
    -- PostgreSQL 16 the creator of a role may grant it, but is not a member that may act as it.
    if not pg_has_role(current_user, 'holdfast_owner',
        case when current_setting('server_version_num')::integer >= 160000
            then 'set' else 'member' end)
    then
        begin
            execute format('grant holdfast_owner to %I', current_user);
        exception when duplicate_object or unique_violation then
            null;
        end;
    end if;
end;
$$;

-- The migration runner has made the schema and its own tables. It makes everything that follows
-- as the owner.
alter schema holdfast owner to holdfast_owner;
alter table holdfast.schema_history owner to holdfast_owner;
alter table holdfast.schema_release owner to holdfast_owner;
alter table holdfast.schema_build owner to holdfast_owner;
alter table holdfast.schema_early_release owner to holdfast_owner;
create schema holdfast_read authorization holdfast_owner;
-- PostgreSQL lets everybody execute a new routine. Nobody may execute a new one of this owner.
alter default privileges for role holdfast_owner revoke execute on routines from public;
