-- Ends checkouts that the caller has locked: their orders, coupon uses, customers' counts and
-- holds, but not their stock. p_as: `released` (by the shopper, or broken) or `expired` (by time).
-- Returns how many it ended, and the units that the caller must now take out of `held`, in lock
-- order. Locks: their orders, their payments, coupons by code, the counts of their customers.
--
-- coalesce in the updates of checkouts and holds: a look-up by the primary key. A planner without
-- statistics would read all active rows of the shop for each batch of a sweep.
create or replace function holdfast.checkout_end(
    p_shop text, p_checkout_ids uuid[], p_as text,
    out o_ended integer, out o_skus text[], out o_units integer[])
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_line record;
begin
    update orders o set status = case when p_as = 'released' then 'cancelled' else 'expired' end
    where o.shop = p_shop and o.checkout_id = any (p_checkout_ids)
        and o.status = 'awaiting_payment';
    if p_as = 'released' and found then
        -- a payment may be under way, and nobody waits for its hold to end
        update payments p set look_up_at = v_now
        from unnest(p_checkout_ids) ended (checkout_id)
            cross join lateral (
                select o.order_id from orders o
                where o.shop = p_shop and o.checkout_id = ended.checkout_id limit 1) o
        where p.shop = p_shop and p.order_id = o.order_id and p.method = 'online';
    end if;
    for v_line in
        with given_back as (
            update orders o set coupon_use = 'released'
            where o.shop = p_shop and o.checkout_id = any (p_checkout_ids) and o.coupon_use = 'held'
            returning o.coupon_code, o.customer_key)
        select g.coupon_code, g.customer_key, count(*)::integer as uses from given_back g
        group by 1, 2 order by 1, 2
    loop
        perform coupon_count(p_shop, v_line.coupon_code, v_line.customer_key, -v_line.uses, 0);
    end loop;
    if exists (
        select from checkouts c
        where c.shop = p_shop and c.checkout_id = any (p_checkout_ids)
            and c.counted_as is not null)
    then
        perform limit_resolve(p_shop, p_checkout_ids, false);
    end if;
    if p_as = 'expired' and exists (
        select from announcements a where a.shop = p_shop and a.checkout_expired)
    then
        perform checkout_announce_expired(p_shop, p_checkout_ids);
    end if;
    update checkouts c set status = p_as::checkout_status, ended_at = v_now
    where c.shop = p_shop and c.checkout_id = any (p_checkout_ids)
        and coalesce(c.ended_at, 'infinity') = 'infinity';  -- guard(hold_resolves_once)
    get diagnostics o_ended = row_count;
    with resolved as (
        update holds h set status = p_as::hold_status, resolved_at = v_now
        where h.shop = p_shop and h.checkout_id = any (p_checkout_ids)
            and coalesce(h.resolved_at, 'infinity') = 'infinity'  -- guard(hold_resolves_once)
        returning h.sku, h.quantity)
    select coalesce(array_agg(line.sku order by line.sku), '{}'),
        coalesce(array_agg(line.units order by line.sku), '{}')
    into o_skus, o_units
    from (select r.sku, sum(r.quantity)::integer as units from resolved r group by 1) line;
end;
$$;
