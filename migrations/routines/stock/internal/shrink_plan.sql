-- The checkouts that must be broken if p_missing units of a sku are missing: the newest holds
-- first, until the rest of the held units fits into the units on hand. Due holds are never broken.
-- They expire first (o_due units), and count as gone. Without p_reclaim they can't be expired, so
-- they stay. o_broken describes the broken holds as JSON, o_checkout_ids are the same checkouts,
-- newest first, and o_units is the sum of their units of this sku. One statement, so counters and
-- journal are from one snapshot. An unknown sku has no version. No locks.
create or replace function holdfast.stock_shrink_plan(
    p_shop text, p_sku text, p_missing integer, p_reclaim boolean,
    out o_on_hand integer, out o_held integer, out o_version bigint, out o_due integer,
    out o_checkout_ids uuid[], out o_units integer, out o_broken jsonb)
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
begin
    select l.on_hand, l.held, l.version, due.units, broken.checkout_ids, broken.units, broken.holds
    into o_on_hand, o_held, o_version, o_due, o_checkout_ids, o_units, o_broken
    from stock_levels l
        cross join lateral (
            select coalesce(sum(h.quantity), 0)::integer as units
            from holds h
            where h.shop = p_shop and h.sku = p_sku and h.status = 'active'
                and h.expires_at <= v_now and p_reclaim) due
        cross join lateral (
            select
                coalesce(array_agg(newest.checkout_id order by newest.nth), '{}') as checkout_ids,
                coalesce(sum(newest.quantity), 0)::integer as units,
                coalesce(
                    jsonb_agg(jsonb_build_object(
                        'checkout_id', newest.checkout_id, 'customer', c.customer,
                        'quantity', newest.quantity, 'created_at', newest.created_at,
                        'order_id', o.order_id) order by newest.nth),
                    '[]') as holds
            from (
                select h.checkout_id, h.quantity, h.created_at,
                    row_number() over by_age as nth,
                    sum(h.quantity) over by_age - h.quantity as newer
                from holds h
                where h.shop = p_shop and h.sku = p_sku and h.status = 'active'
                    and h.expires_at > v_now
                window by_age as (order by h.created_at desc, h.checkout_id desc)) newest
                join checkouts c on c.shop = p_shop and c.checkout_id = newest.checkout_id
                left join orders o on o.shop = p_shop and o.checkout_id = newest.checkout_id
            where newest.newer < l.held - due.units - (l.on_hand - p_missing)) broken
    where l.shop = p_shop and l.sku = p_sku;
end;
$$;
