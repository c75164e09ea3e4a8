-- The unfinished refunds of these shops (null: of all): the number of failed ones, which wait for a
-- person (at most 1,000 of a shop are counted); the age of the oldest one that its gateway has not
-- accepted; the age of the oldest one that its gateway has accepted and not finished. 0 without
-- one. Reads the heads of three partial indexes per shop. No locks.
create or replace function holdfast.refund_backlog(
    p_shops text[] default null,
    out o_failed integer, out o_owed_s double precision, out o_pending_s double precision)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    with
    failed as (
        select count(*) as refunds
        from shops s cross join lateral (
            select from refunds r
            where r.shop = s.shop and (p_shops is null or r.shop = any (p_shops))
                and r.status = 'failed' and not r.void
            order by r.created_at, r.refund_id limit 1000) f
        where p_shops is null or s.shop = any (p_shops)),
    owed as (
        select min(o.created_at) as since
        from shops s cross join lateral (
            select r.created_at from refunds r
            where r.shop = s.shop and (p_shops is null or r.shop = any (p_shops))
                and r.status in ('owed', 'sending') and not r.void
            order by r.created_at limit 1) o
        where p_shops is null or s.shop = any (p_shops)),
    pending as (
        select min(p.created_at) as since
        from shops s cross join lateral (
            select r.created_at from refunds r
            where r.shop = s.shop and (p_shops is null or r.shop = any (p_shops))
                and r.status = 'pending' and not r.void
            order by r.created_at limit 1) p
        where p_shops is null or s.shop = any (p_shops))
    select failed.refunds::integer,
        coalesce(greatest(extract(epoch from now() - owed.since), 0), 0),
        coalesce(greatest(extract(epoch from now() - pending.since), 0), 0)
    into o_failed, o_owed_s, o_pending_s
    from failed, owed, pending;
end;
$$;
