-- Whether an operation may free its row locks before its commit is flushed (docs/architecture.md,
-- "Early lock release"). No promise depends on it: `alter database … set holdfast.early_release =
-- off`, by a superuser, turns it off, and the same calls then commit once, synchronously. Off where
-- a sharding engine would pass "synchronous_commit = off" on to other nodes: the flush would go to
-- this node's log only, and acknowledged holds could be lost.
create or replace function holdfast.early_release_allowed() returns boolean
language sql stable as $$
    select coalesce(current_setting('holdfast.early_release', true), 'on') <> 'off'
        and current_setting('citus.propagate_set_commands', true) is distinct from 'local'
$$;
