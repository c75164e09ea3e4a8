-- Purges the journal of one shop: holds that were resolved more than p_older_than ago, then
-- checkouts that ended that long ago and have neither holds nor an order left. At most p_batch_max
-- rows of each. Returns the number of purged holds. Orders, the ledger and payment events stay.
-- Locks: the deleted rows (SKIP LOCKED).
create or replace function holdfast.hold_purge(p_shop text, p_older_than interval,
    p_batch_max integer) returns integer
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_before timestamptz := now() - p_older_than;
    v_holds integer;
begin
    if p_older_than < interval '1 day' then
        raise exception using errcode = 'invalid_parameter_value',
            message = 'hold_purge: the journal is kept for at least a day';
    end if;
    delete from holds h using (
        select d.checkout_id, d.generation, d.sku from holds d
        where d.shop = p_shop and d.resolved_at < v_before
        order by d.resolved_at limit p_batch_max for update skip locked) old
    where h.shop = p_shop and h.checkout_id = old.checkout_id and h.generation = old.generation
        and h.sku = old.sku;
    get diagnostics v_holds = row_count;
    with gone as (
        delete from checkouts c using (
            select d.checkout_id from checkouts d
            where d.shop = p_shop and d.status in ('released', 'expired')
                and d.ended_at < v_before
                and not exists (select from holds h where h.shop = d.shop
                    and h.checkout_id = d.checkout_id)
                and not exists (select from orders o where o.shop = d.shop
                    and o.checkout_id = d.checkout_id)
            order by d.ended_at limit p_batch_max for update skip locked) old
        where c.shop = p_shop and c.checkout_id = old.checkout_id
        returning c.checkout_id)
    delete from checkout_revocations r using gone
    where r.shop = p_shop and r.checkout_id = gone.checkout_id;
    return v_holds;
end;
$$;
