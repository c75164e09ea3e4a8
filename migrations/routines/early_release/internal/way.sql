-- How an operation of this session flushes after it has freed its row locks (docs/architecture.md,
-- "Early lock release"): `message`, `row-lock`, or `off`: it frees no lock early. No promise
-- depends on it.
--
-- early_release_chosen answers for all sessions. The setting `holdfast.early_release` can make a
-- session more careful (`row-lock`, `off`), never less. It is also off if a sharding engine would
-- pass "synchronous_commit = off" to other nodes: the flush would go to this node's log only, and
-- acknowledged holds could be lost.
create or replace function holdfast.early_release_way() returns text
language sql stable as $$
    select case
        when current_setting('holdfast.early_release', true) = 'off'
            or current_setting('citus.propagate_set_commands', true) = 'local' then 'off'
        when current_setting('holdfast.early_release', true) = 'row-lock'
            and holdfast.early_release_chosen() = 'message' then 'row-lock'
        else holdfast.early_release_chosen()
    end
$$;
