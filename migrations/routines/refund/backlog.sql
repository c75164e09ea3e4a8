-- The unfinished refunds of all shops: the number of failed ones, which wait for a person; the age
-- of the oldest one that its gateway has not accepted; the age of the oldest one that its gateway
-- has accepted and not finished. 0 without one. Reads three partial indexes, which have only these
-- rows. No locks.
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
