-- Turns early lock release off in every session, whatever is chosen, and on again with false.
-- `holdfast rebalance` calls it before it moves shards: Citus copies what the log has on disk, and
-- an early commit is not there yet. The choice stays stored, and migrations keep the pause. Calls
-- that run already go on as they began. Locks: the release, as a migration.
create or replace function holdfast.early_release_pause(
    p_paused boolean, out o_way text, out o_why text)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    -- excludes migrations: they write the same function
    lock table schema_release in share row exclusive mode;
    update schema_early_release e set paused = p_paused;
    select w.o_way, w.o_why into strict o_way, o_why from early_release_write() w;
end;
$$;
