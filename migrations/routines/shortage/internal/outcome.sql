-- What a shortage means: `reclaim` (holds that are due claim some of these skus: expire them and
-- decide anew; where p_reclaim allows it), `again` (more is available than the p_available that was
-- read: decide anew), else `shortage`. Decided in one snapshot, because holds that are due may be
-- given back between two: then neither the counter that was read before nor the journal that is
-- read after shows them, and a shopper would be told "sold out" because of them.
-- PL/pgSQL, because it keeps the plan: an SQL function would be planned anew for every refusal.
create or replace function holdfast.shortage_outcome(
    p_shop text, p_skus text[], p_available integer[], p_now timestamptz, p_reclaim boolean)
    returns text
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_due boolean;
    v_more boolean;
begin
    select
        -- The earliest of each sku. With "exists … expires_at <= p_now" the planner would expect to
        -- meet one soon, and read the whole journal.
        p_reclaim and exists (
            select from unnest(p_skus) short (sku)
                cross join lateral (
                    select h.expires_at from holds h
                    where h.shop = p_shop and h.sku = short.sku and h.status = 'active'
                    order by h.expires_at limit 1) earliest
            where earliest.expires_at <= p_now),
        exists (
            select from unnest(p_skus, p_available) seen (sku, available)
                join stock_levels l on l.shop = p_shop and l.sku = seen.sku
            where l.on_hand - l.held > seen.available)
    into v_due, v_more;
    return case when v_due then 'reclaim' when v_more then 'again' else 'shortage' end;
end;
$$;
