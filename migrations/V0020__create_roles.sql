-- One database role for each function, one that owns everything, one that migrates and one for a
-- person who looks things up. What each may call: rights/rights.sql, which every migration applies
-- anew; docs/rights.md shows it. This file makes the roles and gives them the schema. It is run by
-- the database's owner, who may create roles; from then on holdfast_migrator can migrate.
-- The login roles have no password: password authentication stays impossible until the operator
-- sets one.

do $$
declare
    v_role text;
    v_attributes text;
    v_settings text[];
    v_setting text;
begin
    -- On the roles and not by SET in a session, which would pin a pooled connection.
    -- statement_timeout: too low and work that is only slow is cut off, again and again; too high
    --   and a call whose caller is long gone keeps its place in a queue.
    -- lock_timeout: the longest wait for one lock. Locks of rows are held for microseconds, so
    --   seconds mean that something is wrong; too low and a hot sku's queue is refused.
    -- idle_in_transaction_session_timeout: one call is one transaction, so a session of a function
    --   is idle inside one only when its caller died or is frozen, and then it may hold a row that
    --   others wait for; too low and a slow network looks like a death.
    -- enable_seqscan: every statement of a routine goes by an index. A session that first met the
    --   tables when they were empty would keep plans that read them whole while a sale fills them.
    for v_role, v_attributes, v_settings in values
        -- owns the schema, its tables and its routines, which run with its rights; nobody logs in
        ('holdfast_owner', 'nologin', '{}'::text[]),
        -- statement_timeout: an index over years of rows takes minutes, but not for ever.
        -- lock_timeout: behind a migration that waits for a table, everybody else waits too; below
        --   the 5 seconds after which they would be refused.
        ('holdfast_migrator', 'login in role holdfast_owner', array[
            'statement_timeout = ''15min''', 'lock_timeout = ''3s''',
            'idle_in_transaction_session_timeout = ''60s''']),
        -- statement_timeout: a shopper's call has 8 seconds, and its function 10.
        ('holdfast_checkout', 'login', array[
            'statement_timeout = ''10s''', 'lock_timeout = ''5s''',
            'idle_in_transaction_session_timeout = ''5s''', 'enable_seqscan = off']),
        -- as holdfast_checkout: the queue delivers again what was cut off
        ('holdfast_payments', 'login', array[
            'statement_timeout = ''10s''', 'lock_timeout = ''5s''',
            'idle_in_transaction_session_timeout = ''5s''', 'enable_seqscan = off']),
        -- statement_timeout: the check of a large shop's promises reads all of it
        ('holdfast_sweeper', 'login', array[
            'statement_timeout = ''20s''', 'lock_timeout = ''5s''',
            'idle_in_transaction_session_timeout = ''5s''', 'enable_seqscan = off']),
        -- statement_timeout: a question that somebody thought up; a person may narrow it and ask
        --   again. lock_timeout: only a migration stands in a reader's way. idle in transaction: an
        --   open snapshot keeps dead rows of hot skus from being cleaned up, but people think.
        ('holdfast_readonly', 'login', array[
            'statement_timeout = ''30s''', 'lock_timeout = ''1s''',
            'idle_in_transaction_session_timeout = ''60s''',
            'default_transaction_read_only = on', 'search_path = holdfast_read'])
    loop
        -- Its settings come with it: a second database on this server finds both, and two
        -- migrations at once never change the same role.
        continue when exists (select from pg_roles where rolname = v_role);
        begin
            execute format('create role %I %s', v_role, v_attributes);
            foreach v_setting in array v_settings loop
                execute format('alter role %I set %s', v_role, v_setting);
            end loop;
        exception when duplicate_object or unique_violation then
            -- another database's migration made it a moment ago
            null;
        end;
    end loop;

    -- Who isn't a superuser has to be a member of the owner to give things to it. Since PostgreSQL
    -- 16 whoever makes a role may grant it, but is no member that may act as it.
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
    -- No routine makes temporary objects, and a caller needs none: one way less to put something of
    -- the same name in front of a table.
    execute format('revoke temporary on database %I from public', current_database());
end;
$$;

-- Caller's rights, and only ever called by a trigger; fixed as everything else is.
alter function holdfast.refuse() set search_path = holdfast, pg_temp;

alter schema holdfast owner to holdfast_owner;
do $$
declare
    v_table text;
    v_routine regprocedure;
    v_type text;
begin
    -- In the order in which calls lock them, so that a call and this file can't wait for each other
    -- for long; where they do, PostgreSQL ends one of them, and either may be repeated.
    for v_table in
        select c.relname from pg_class c
        where c.relnamespace = 'holdfast'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S')
        order by array_position('{shops,skus,checkouts,orders,payments,coupons,customer_checkouts,
            customer_units,customer_coupons,holds,stock_levels}', c.relname::text), c.relname
    loop
        execute format('alter table holdfast.%I owner to holdfast_owner', v_table);
    end loop;
    for v_routine in
        select p.oid::regprocedure from pg_proc p
        where p.pronamespace = 'holdfast'::regnamespace order by p.oid
    loop
        execute format('alter routine %s owner to holdfast_owner', v_routine);
    end loop;
    -- a table's row type goes with its table
    for v_type in
        select t.typname from pg_type t left join pg_class c on c.oid = t.typrelid
        where t.typnamespace = 'holdfast'::regnamespace
            and (t.typtype in ('e', 'd') or c.relkind = 'c')
    loop
        execute format('alter type holdfast.%I owner to holdfast_owner', v_type);
    end loop;
end;
$$;

-- What a person may read; the views are in V0021.
create schema holdfast_read authorization holdfast_owner;

-- From here on everything is made by its owner: shared::migrate begins each step like this.
set local role holdfast_owner;
-- PostgreSQL lets everybody execute a new routine. Not one of this owner's.
alter default privileges revoke execute on routines from public;
