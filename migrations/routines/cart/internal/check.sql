-- Whether a checkout could have this cart in place of what its take p_take holds: a shopper's own
-- hold never counts against them. Outcomes: enough (with the prices), unknown_sku, not_on_sale,
-- shortage, reclaim, again; a refusal lists all of its skus. Reads without locks.
create or replace function holdfast.cart_check(
    p_shop text, p_checkout_id uuid, p_take integer, p_skus text[], p_quantities integer[],
    p_now timestamptz,
    out o_outcome text, out o_prices bigint[],
    out o_refused_skus text[], out o_refused_available integer[])
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_unknown text[];
    v_not_on_sale text[];
    v_short text[];
    v_free integer[];
begin
    select
        array_agg(k.price_minor order by w.nth),
        array_agg(w.sku order by w.nth) filter (where l.sku is null),
        array_agg(w.sku order by w.nth) filter (
            where k.retired_at is not null or k.sale_opens_at > p_now
                or k.sale_closes_at <= p_now),
        array_agg(w.sku order by w.nth) filter (
            where l.on_hand - l.held + coalesce(own.quantity, 0) < w.quantity),
        array_agg(l.on_hand - l.held order by w.nth) filter (
            where l.on_hand - l.held + coalesce(own.quantity, 0) < w.quantity),
        array_agg(l.on_hand - l.held + coalesce(own.quantity, 0) order by w.nth) filter (
            where l.on_hand - l.held + coalesce(own.quantity, 0) < w.quantity)
    into o_prices, v_unknown, v_not_on_sale, v_short, v_free, o_refused_available
    from unnest(p_skus, p_quantities) with ordinality w (sku, quantity, nth)
        left join skus k on k.shop = p_shop and k.sku = w.sku
        left join stock_levels l on l.shop = p_shop and l.sku = w.sku
        left join holds own on own.shop = p_shop and own.checkout_id = p_checkout_id
            and own.take = p_take and own.sku = w.sku and own.status = 'active';
    o_outcome := case
        when v_unknown is not null then 'unknown_sku'
        when v_not_on_sale is not null then 'not_on_sale'
        when v_short is null then 'enough'
        else shortage_verdict(p_shop, v_short, v_free, p_now)
    end;
    o_refused_skus := coalesce(v_unknown, v_not_on_sale, v_short);
end;
$$;
