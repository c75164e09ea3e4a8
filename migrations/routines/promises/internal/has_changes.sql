-- Whether a lap through a shop's changes would read anything: a row of a source of promises_changes
-- that was written since p_from, or is open. One look into an index for each. No locks.
create or replace function holdfast.promises_has_changes(p_shop text, p_from timestamptz)
    returns boolean
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return exists (
            select from checkouts c where c.shop = p_shop and c.ended_at is null)
        or exists (
            select from stock_movements m where m.shop = p_shop and m.created_at > p_from)
        or exists (select from holds h where h.shop = p_shop and h.resolved_at > p_from)
        or exists (select from checkouts c where c.shop = p_shop and c.ended_at > p_from)
        or exists (select from payment_events e where e.shop = p_shop and e.resolved_at > p_from)
        or exists (
            select from payment_events e
            where e.shop = p_shop and e.outcome = 'parked'
                and e.received_at >= p_from - interval '2 hours'
                and e.received_at <= now() - interval '2 hours')
        or exists (select from refunds r where r.shop = p_shop and r.changed_at > p_from)
        or exists (select from orders o where o.shop = p_shop and o.changed_at > p_from)
        or exists (select from coupons c where c.shop = p_shop and c.changed_at > p_from)
        or exists (select from holds h where h.shop = p_shop and h.status = 'active')
        or exists (select from orders o where o.shop = p_shop and o.coupon_use = 'held')
        -- left for the next call of promises_count_uses
        or exists (
            select from customer_coupons u
            where u.shop = p_shop and u.uses_consumed <> u.uses_counted);
end;
$$;
