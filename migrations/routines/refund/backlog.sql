-- The refunds of all shops that are not through: how many failed and wait for a person; for how
-- long the oldest one that its gateway has not taken on has been owed; and the age of the oldest
-- one that its gateway took on and that has not ended. 0 where there is none. Reads three partial
-- indexes, which have just these rows. No locks.
create or replace function holdfast.refund_backlog(
    out o_failed integer, out o_owed_s double precision, out o_pending_s double precision)
language sql stable security definer set search_path = holdfast, pg_temp as $$
    with
    failed as (
        select count(*) as refunds from refunds r where r.status = 'failed' and not r.void),
    owed as (
        select min(r.created_at) as since from refunds r
        where r.status in ('owed', 'sending') and not r.void),
    pending as (
        select min(r.created_at) as since from refunds r
        where r.status = 'pending' and not r.void)
    select failed.refunds::integer,
        coalesce(greatest(extract(epoch from now() - owed.since), 0), 0),
        coalesce(greatest(extract(epoch from now() - pending.since), 0), 0)
    from failed, owed, pending
$$;
