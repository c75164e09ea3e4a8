-- The functions' role: it may EXECUTE the entry routines (each routine's file says which) and touch
-- no table. LOGIN without a password: password authentication stays impossible until the operator
-- sets one.
do $$
begin
    -- Its settings come with it: a second database on this server finds both, and two migrations at
    -- once never change the same role.
    if exists (select from pg_roles where rolname = 'holdfast_app') then
        return;
    end if;
    create role holdfast_app login;
    -- On the role and not by SET in a session, which would pin a pooled connection.
    -- statement_timeout: too low and a sweep's check of a large shop never ends well; too high and
    --   a call whose caller is long dead goes on.
    alter role holdfast_app set statement_timeout = '20s';
    -- lock_timeout: the longest wait for one lock, below the 8 seconds of a shopper's call. Locks
    --   are held for microseconds; seconds mean that something is wrong.
    alter role holdfast_app set lock_timeout = '5s';
    -- idle_in_transaction: one call is one transaction, so a session is never idle inside one
    --   unless its caller died.
    alter role holdfast_app set idle_in_transaction_session_timeout = '5s';
    -- enable_seqscan: every statement of a routine goes by an index. A session that first met the
    --   tables when they were empty would keep plans that read them whole while a sale fills them.
    alter role holdfast_app set enable_seqscan = off;
exception when duplicate_object or unique_violation then
    -- another database's migration made it a moment ago
    null;
end;
$$;

grant usage on schema holdfast to holdfast_app;
