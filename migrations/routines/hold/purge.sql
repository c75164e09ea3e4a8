-- Purges the journal of one shop: the p_batch_max oldest of the holds that were resolved more than
-- p_older_than ago, and with its last hold each checkout that has no order. Returns the number of
-- purged holds. Orders, the ledger and payment events stay. Two purges at once never wait for each
-- other: a hold goes only under the lock of its checkout. Locks: the checkouts (SKIP LOCKED), then
-- the deleted holds.
create or replace function holdfast.hold_purge(p_shop text, p_older_than interval,
    p_batch_max integer) returns integer
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_before timestamptz := now() - p_older_than;
    v_holds integer;
    v_ids uuid[];
begin
    if p_older_than < interval '1 day' then
        raise exception using errcode = 'invalid_parameter_value',
            message = 'hold_purge: the journal is kept for at least a day';
    end if;
    with old as materialized (
        select d.checkout_id, d.generation, d.sku from holds d
        where d.shop = p_shop and d.resolved_at < v_before
        order by d.resolved_at limit p_batch_max),
    locked as materialized (
        select c.checkout_id from checkouts c
        where c.shop = p_shop
            and c.checkout_id = any (array(select distinct o.checkout_id from old o))
        for update skip locked),  -- guard(purges_never_wait)
    purged as (
        delete from holds h using old o
        where h.shop = p_shop and h.checkout_id = o.checkout_id and h.generation = o.generation
            and h.sku = o.sku
            and (o.checkout_id in (select l.checkout_id from locked l)
                or not exists (select from checkouts c
                    where c.shop = p_shop and c.checkout_id = o.checkout_id))
        returning h.checkout_id)
    select count(*), array_agg(distinct p.checkout_id) into v_holds, v_ids from purged p;
    with gone as (
        delete from checkouts c
        where c.shop = p_shop and c.checkout_id = any (v_ids)
            and c.status in ('released', 'expired')
            and not exists (
                select from holds h where h.shop = p_shop and h.checkout_id = c.checkout_id)
            and not exists (
                select from orders o where o.shop = p_shop and o.checkout_id = c.checkout_id)
        returning c.checkout_id)
    delete from checkout_revocations r using gone
    where r.shop = p_shop and r.checkout_id = gone.checkout_id;
    return v_holds;
end;
$$;
