-- Decides what to do about a shortage. Outcomes:
-- - `reclaim`, if p_reclaim: due holds have units of these skus: expire them and decide again;
-- - `again`: more is available than p_available, which was read before: decide again;
-- - `shortage`.
-- It reads due holds and counters in one snapshot. Between two snapshots, due holds may be given
-- back: then neither the older counter nor the newer journal shows their units, and a shopper would
-- be told "sold out" by mistake. PL/pgSQL, because it keeps the plan: an SQL function would be
-- planned again for every refusal.
create or replace function holdfast.shortage_outcome(
    p_shop text, p_skus text[], p_available integer[], p_now timestamptz, p_reclaim boolean)
    returns text
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_due boolean;
    v_more boolean;
begin
    select
        -- Only the earliest hold of each sku. For "exists … expires_at <= p_now" the planner would
        -- expect a match soon, and read the whole journal.
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
