-- What a shortage means, decided in one snapshot: `reclaim` (holds that are due claim some of these
-- skus: expire them and decide anew), `again` (more is available now than the p_available that was
-- read: decide anew), else `shortage`. One snapshot, because holds that are due may be given back
-- between two: then neither the counter that was read before nor the journal that is read after
-- shows them, and a shopper would be told "sold out" because of them.
create or replace function holdfast.shortage_verdict(
    p_shop text, p_skus text[], p_available integer[], p_now timestamptz) returns text
language sql stable as $$
    select case
        when exists (
            select from holdfast.holds h
            where h.shop = p_shop and h.sku = any (p_skus)
                and h.status = 'active' and h.expires_at <= p_now)
            then 'reclaim'
        when exists (
            select from unnest(p_skus, p_available) seen (sku, available)
                join holdfast.stock_levels l on l.shop = p_shop and l.sku = seen.sku
            where l.on_hand - l.held > seen.available)
            then 'again'
        else 'shortage'
    end
$$;
