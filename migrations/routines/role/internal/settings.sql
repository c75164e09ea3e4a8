-- The settings of each role that logs in. They belong to the role: a SET in a session would pin a
-- pooled connection. rights/roles.sql sets them, and role_check compares them.
--
-- statement_timeout: if too low, slow work is cut off again and again. If too high, a call runs
--   long after its caller has gone.
-- lock_timeout: the longest wait for one lock. Row locks last microseconds, so a wait of seconds
--   means that something is wrong. If too low, callers of a hot sku are refused.
-- idle_in_transaction_session_timeout: one call is one transaction. A function's session is idle in
--   a transaction only if its caller died or is frozen. It may hold a row lock then. If too low, a
--   slow network looks like a dead caller.
-- enable_seqscan: every statement of a routine uses an index. A session that first planned on empty
--   tables would keep plans that read whole tables while a sale fills them.
-- jit: compiling takes seconds for the check of the promises, and no statement of a routine runs
--   long enough to win them back.
-- TimeZone: in another zone than UTC, the last day of 9999 is in the year 10000, and a time before
--   1900 has an offset with seconds. No reader parses either.
create or replace function holdfast.role_settings()
    returns table (o_role text, o_setting text, o_value text)
language sql stable set search_path = holdfast, pg_temp as $$
    select 'holdfast_' || r.role, s.setting, s.value
    from (values
            -- statement_timeout: an index over years of rows takes minutes.
            -- lock_timeout: while a migration waits for a table, every caller waits behind it.
            --   Callers give up after 5 seconds.
            ('migrator', '15min', '3s', '60s'),
            -- statement_timeout: a shopper's call has 8 seconds, and its function 10.
            ('checkout', '10s', '5s', '5s'),
            -- As checkout. SQS delivers a message again when its call was cut off.
            ('payments', '10s', '5s', '5s'),
            -- statement_timeout: one step of a purge or of the check of the promises.
            ('sweeper', '20s', '5s', '5s'),
            -- statement_timeout: a clerk's page, one part of an import, or the check of the
            --   promises.
            ('admin', '20s', '5s', '5s'),
            -- As admin: its pages make the same calls.
            ('console', '20s', '5s', '5s'),
            -- statement_timeout: a person can ask again with a narrower query.
            -- lock_timeout: only a migration makes a reader wait.
            -- idle_in_transaction_session_timeout: people need time to think, but an open snapshot
            --   stops PostgreSQL from removing dead rows of hot skus.
            ('readonly', '30s', '1s', '60s')) r (role, statement, lock, idle)
        cross join lateral (
            select * from (values
                ('statement_timeout', r.statement), ('lock_timeout', r.lock),
                ('idle_in_transaction_session_timeout', r.idle)) t (setting, value)
            union all
            select * from (values
                ('enable_seqscan', 'off'), ('jit', 'off'), ('TimeZone', 'UTC')) t (setting, value)
            where r.role in ('checkout', 'payments', 'sweeper', 'admin', 'console')
            union all
            select * from (values
                ('default_transaction_read_only', 'on'), ('search_path', 'holdfast_read'))
                t (setting, value)
            where r.role = 'readonly') s
    union all
    -- The nodes of Citus call each other as the owner, without the timeouts of the role that called
    -- the routine. Elsewhere nobody logs in as the owner.
    select 'holdfast_owner', 'lock_timeout', '5s'
    where exists (select from pg_extension e where e.extname = 'citus')
$$;
