-- Expires checkouts that are due and stand in the way of an attempt: those that hold any of its
-- skus, its coupon, or a place in its customer's limits (each may be null). So a slow or dead
-- sweeper never causes a false "sold out". Returns how many checkouts it expired, 100 at most: the
-- caller attempts again, and asks again while it is short. 0: what stands in the way can't be
-- expired. Null: others resolved it first. The caller must tell these two apart: one that took its
-- slower turns for a dead end would tell a shopper "sold out".
-- Locks: the due checkouts in id order, waiting for each (its holder is about to decide it), then
-- as checkout_give_back. Call it in a transaction of its own, which holds nothing yet: that is why
-- waiting can't deadlock.
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
            where c.shop = p_shop and c.customer = (p_reclaim).customer and c.counted
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
