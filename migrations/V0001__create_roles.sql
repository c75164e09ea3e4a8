-- Database roles: one owns everything, one migrates, each function has its own, and one is for a
-- person who reads. rights/rights.sql says which routines each may call; docs/rights.md shows it.
-- The database's owner runs this file, because it creates roles. holdfast_migrator may run all
-- later files. No role has a password: nobody can log in by password until the operator sets one.

do $$
declare
    v_role text;
    v_attributes text;
    v_settings text[];
    v_setting text;
begin
    -- Settings belong to the role. A SET in a session would pin a pooled connection.
    -- statement_timeout: if too low, slow work is cut off again and again. If too high, a call
    --   runs long after its caller has gone.
    -- lock_timeout: the longest wait for one lock. Row locks last microseconds, so a wait of
    --   seconds means that something is wrong. If too low, callers of a hot sku are refused.
    -- idle_in_transaction_session_timeout: one call is one transaction. A function's session is
    --   idle in a transaction only if its caller died or is frozen. It may hold a row lock then.
    --   If too low, a slow network looks like a dead caller.
    -- enable_seqscan: every statement of a routine uses an index. A session that first planned on
    --   empty tables would keep plans that read whole tables while a sale fills them.
    -- jit: compiling takes seconds for the check of the promises, and no statement of a routine
    --   runs long enough to win them back.
    for v_role, v_attributes, v_settings in values
        -- Owns the schema, its tables and its routines, which run with its rights. Nobody can log
        -- in as this role.
        ('holdfast_owner', 'nologin', '{}'::text[]),
        -- statement_timeout: an index over years of rows takes minutes.
        -- lock_timeout: while a migration waits for a table, every caller waits behind it. Callers
        --   give up after 5 seconds.
        ('holdfast_migrator', 'login in role holdfast_owner', array[
            'statement_timeout = ''15min''', 'lock_timeout = ''3s''',
            'idle_in_transaction_session_timeout = ''60s''']),
        -- statement_timeout: a shopper's call has 8 seconds, and its function 10.
        ('holdfast_checkout', 'login', array[
            'statement_timeout = ''10s''', 'lock_timeout = ''5s''',
            'idle_in_transaction_session_timeout = ''5s''', 'enable_seqscan = off',
            'jit = off']),
        -- As holdfast_checkout. SQS delivers a message again when its call was cut off.
        ('holdfast_payments', 'login', array[
            'statement_timeout = ''10s''', 'lock_timeout = ''5s''',
            'idle_in_transaction_session_timeout = ''5s''', 'enable_seqscan = off',
            'jit = off']),
        -- statement_timeout: one step of a purge or of the check of the promises.
        ('holdfast_sweeper', 'login', array[
            'statement_timeout = ''20s''', 'lock_timeout = ''5s''',
            'idle_in_transaction_session_timeout = ''5s''', 'enable_seqscan = off',
            'jit = off']),
        -- A role of its own: an attacker in the storefront's function cannot change stock and
        -- prices.
        -- statement_timeout: a clerk's page, one part of an import, or the check of the promises.
        ('holdfast_admin', 'login', array[
            'statement_timeout = ''20s''', 'lock_timeout = ''5s''',
            'idle_in_transaction_session_timeout = ''5s''', 'enable_seqscan = off',
            'jit = off']),
        -- statement_timeout: a person can ask again with a narrower query.
        -- lock_timeout: only a migration makes a reader wait.
        -- idle_in_transaction_session_timeout: people need time to think, but an open snapshot
        --   stops PostgreSQL from removing dead rows of hot skus.
        ('holdfast_readonly', 'login', array[
            'statement_timeout = ''30s''', 'lock_timeout = ''1s''',
            'idle_in_transaction_session_timeout = ''60s''',
            'default_transaction_read_only = on', 'search_path = holdfast_read'])
    loop
        -- A role and its settings are made together, once for the whole server. A migration of a
        -- second database finds both, so two migrations never alter the same role.
        continue when exists (select from pg_roles where rolname = v_role);
        begin
            execute format('create role %I %s', v_role, v_attributes);
            foreach v_setting in array v_settings loop
                execute format('alter role %I set %s', v_role, v_setting);
            end loop;
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
    -- No routine makes temporary tables, and no caller needs them. Without them, nobody can put a
    -- table of the same name in front of a real one.
    execute format('revoke temporary on database %I from public', current_database());
end;
$$;

-- The migration runner has made the schema and its own two tables. It makes everything that follows
-- as the owner.
alter schema holdfast owner to holdfast_owner;
alter table holdfast.schema_history owner to holdfast_owner;
alter table holdfast.schema_release owner to holdfast_owner;
create schema holdfast_read authorization holdfast_owner;
-- PostgreSQL lets everybody execute a new routine. Nobody may execute a new one of this owner.
alter default privileges for role holdfast_owner revoke execute on routines from public;
