-- Expires due checkouts that are in the way of an attempt: those that hold one of its skus or its
-- coupon, or that count against its customer's limits (each may be null). So a slow or dead sweeper
-- never causes a false "sold out". Expires 100 checkouts at most. The caller attempts again, and
-- reclaims again while it is short.
-- Returns:
-- - how many checkouts it expired;
-- - 0: the due checkouts can't be expired;
-- - null: other calls resolved them first. This is not 0: the caller must try again, or it would
--   tell a shopper "sold out" by mistake.
-- Locks: the due checkouts in id order, waiting for each (its holder is about to decide it), then
-- as checkout_give_back. Call it in a transaction that holds no lock yet. Then waiting can't
-- deadlock.
create or replace function holdfast.checkout_reclaim(p_shop text, p_reclaim holdfast.reclaim)
    returns integer
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_due uuid[];
    v_ids uuid[];
begin
    v_due := array(
        select due.checkout_id from unnest((p_reclaim).skus) short (sku)
            cross join lateral (
                select h.checkout_id, h.expires_at from holds h
                where h.shop = p_shop and h.sku = short.sku and h.status = 'active'
                    and h.expires_at <= v_now
                order by h.expires_at limit 100) due
        order by due.expires_at limit 100);
    if (p_reclaim).coupon is not null then
        v_due := v_due || array(
            select o.checkout_id from orders o
                join checkouts c on c.shop = o.shop and c.checkout_id = o.checkout_id
            where o.shop = p_shop and o.coupon_code = (p_reclaim).coupon
                and o.coupon_use = 'held' and c.expires_at <= v_now
            order by c.expires_at limit 100);
    end if;
    if (p_reclaim).customer is not null then
        v_due := v_due || array(
            select c.checkout_id from checkouts c
            where c.shop = p_shop and c.counted_as = (p_reclaim).customer
                and c.expires_at <= v_now
            order by c.expires_at limit 100);
    end if;
    v_ids := array(
        select c.checkout_id from checkouts c
        where c.shop = p_shop and c.ended_at is null and c.expires_at <= v_now
            and c.checkout_id = any (v_due)
        order by c.checkout_id
        for no key update);
    if v_ids = '{}' and not exists (
        select from holds h
        where h.shop = p_shop and h.checkout_id = any (v_due)
            and h.status = 'active' and h.expires_at <= v_now)
    then
        return null;
    end if;
    return (select e.o_expired from checkout_expire(p_shop, v_ids) e);
end;
$$;
