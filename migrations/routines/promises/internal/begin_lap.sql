-- Begins a lap through what has changed: decides from when on it reads.
--
-- A row is stamped when it is written, and is seen when its transaction commits. A lap that read
-- only what is stamped after the last lap would miss a row of a slow transaction for ever. So the
-- next lap begins at a time for which no row can appear any more: every transaction that had begun
-- to write by then has ended (settles_with), and the stamp is not older than the write by more than
-- a routine runs. That is less than half a minute, because statement_timeout of every function is
-- shorter. Rejected: a fixed overlap alone, because a person's transaction may stay open for hours.
create or replace function holdfast.promises_begin_lap(
    p_lap holdfast.promise_laps) returns holdfast.promise_laps
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_lap promise_laps := p_lap;
    -- the oldest transaction that has not ended
    v_oldest xid8 := pg_snapshot_xmin(pg_current_snapshot());
begin
    v_lap.position := '{}';
    -- not now(): the lap reads what is stamped until here, and its own transaction may be older
    v_lap.began_at := clock_timestamp();
    if v_lap.settles_with >= pg_snapshot_xmax(pg_current_snapshot()) then
        -- restored into another cluster, which has its own numbers
        v_lap.settles_at := null;
        v_lap.settles_with := null;
    end if;
    -- a clock that was ahead for a while must not hide what is written now
    v_lap.read_from := least(v_lap.read_from, now() - interval '30 seconds');
    v_lap.read_from_next := v_lap.read_from;
    if v_lap.settles_with is null
        or v_lap.settles_with <= v_oldest  -- guard(a_late_commit_is_checked)
    then
        v_lap.read_from_next := least(now() - interval '30 seconds',
            coalesce(v_lap.settles_at - interval '30 seconds', v_lap.read_from));
        -- The number of this transaction is taken after now(): a writer that began before has a
        -- smaller one. Rejected: pg_snapshot_xmax, which a running transaction may reach.
        v_lap.settles_at := now();
        v_lap.settles_with := pg_current_xact_id();
    end if;
    return v_lap;
end;
$$;
