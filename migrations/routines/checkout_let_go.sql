-- Gives back everything that these checkouts, locked by the caller, still hold: stock, and the
-- coupon uses of their orders. p_as is `released` (by the shopper) or `expired` (by time). Returns
-- how many checkouts it ended. Locks: their orders, coupons by code, the counts of their customers,
-- stock levels by sku.
create or replace function holdfast.checkout_let_go(p_shop text, p_checkout_ids uuid[], p_as text)
    returns integer
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_ended integer;
    v_line record;
begin
    if p_checkout_ids = '{}' then
        return 0;
    end if;
    update orders o set status = case p_as when 'released' then 'cancelled' else 'expired' end
    where o.shop = p_shop and o.checkout_id = any (p_checkout_ids)
        and o.status = 'awaiting_payment';
    for v_line in
        with given_back as (
            update orders o set coupon_use = 'released'
            where o.shop = p_shop and o.checkout_id = any (p_checkout_ids) and o.coupon_use = 'held'
            returning o.coupon_code, o.customer)
        select g.coupon_code, g.customer, count(*)::integer as uses from given_back g
        group by 1, 2 order by 1, 2
    loop
        perform coupon_count(p_shop, v_line.coupon_code, v_line.customer, -v_line.uses, 0);
    end loop;
    if exists (
        select from checkouts c
        where c.shop = p_shop and c.checkout_id = any (p_checkout_ids) and c.counted)
    then
        perform limit_resolve(p_shop, p_checkout_ids, false);
    end if;
    update checkouts c set status = p_as::checkout_status, ended_at = v_now
    where c.shop = p_shop and c.checkout_id = any (p_checkout_ids) and c.ended_at is null;
    get diagnostics v_ended = row_count;
    for v_line in
        with resolved as (
            update holds h set status = p_as::hold_status, resolved_at = v_now
            where h.shop = p_shop and h.checkout_id = any (p_checkout_ids) and h.status = 'active'
            returning h.sku, h.quantity)
        select r.sku, sum(r.quantity)::integer as units from resolved r group by 1 order by 1
    loop
        update stock_levels l set held = l.held - v_line.units, version = l.version + 1
        where l.shop = p_shop and l.sku = v_line.sku;
    end loop;
    return v_ended;
end;
$$;
