-- Whether an operation may free its row locks before its commit is flushed (docs/architecture.md,
-- "Early lock release"). No promise depends on it. A superuser turns it off by `alter database …
-- set holdfast.early_release = off`; then the same calls commit once, synchronously. It is also off
-- if a sharding engine would pass "synchronous_commit = off" to other nodes: the flush would go to
-- this node's log only, and acknowledged holds could be lost.
create or replace function holdfast.early_release_allowed() returns boolean
language sql stable as $$
    select coalesce(current_setting('holdfast.early_release', true), 'on') <> 'off'
        and current_setting('citus.propagate_set_commands', true) is distinct from 'local'
$$;
