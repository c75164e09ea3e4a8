-- Checks whether a cart whose hold has ended may be held again: the hold kept its skus and prices
-- only until its end. Outcomes: unchanged; not_on_sale (o_skus: all that are retired, or were not
-- on sale at p_now); price_changed (o_skus, and o_details with the held price and today's price of
-- each). With p_prices null, prices do not matter. Reads without locks.
create or replace function holdfast.cart_recheck(
    p_shop text, p_skus text[], p_prices bigint[], p_now timestamptz,
    out o_outcome text, out o_skus text[], out o_details jsonb)
language plpgsql stable set search_path = holdfast, pg_temp as $$
declare
    v_not_on_sale text[];
    v_changed text[];
begin
    select array_agg(k.sku order by k.sku) filter (
            where k.retired_at is not null or k.sale_opens_at > p_now
                or k.sale_closes_at <= p_now),
        array_agg(k.sku order by k.sku) filter (where k.price_minor <> h.price_minor),
        jsonb_agg(jsonb_build_object('sku', k.sku, 'held_minor', h.price_minor,
            'price_minor', k.price_minor) order by k.sku)
            filter (where k.price_minor <> h.price_minor)
    into v_not_on_sale, v_changed, o_details
    from unnest(p_skus, p_prices) h (sku, price_minor)
        join skus k on k.shop = p_shop and k.sku = h.sku;
    o_outcome := case when v_not_on_sale is not null then 'not_on_sale'
        when v_changed is not null then 'price_changed' else 'unchanged' end;
    o_skus := coalesce(v_not_on_sale, v_changed);
end;
$$;
