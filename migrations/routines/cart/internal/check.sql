-- Checks whether a checkout could have this cart in place of its present one. Its own holds do not
-- count against it. A sku of which the checkout gets no more units than it holds need not be on
-- sale, and then keeps its held price. Otherwise a shopper could not take it out of the cart.
-- Outcomes: enough (with the prices), unknown_sku, not_on_sale, and those of shortage_outcome. A
-- refusal lists all of its skus. Reads without locks.
create or replace function holdfast.cart_check(
    p_shop text, p_checkout holdfast.checkouts, p_skus text[], p_quantities integer[],
    p_now timestamptz, p_reclaim boolean) returns holdfast.checkout_answer
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_answer checkout_answer;
    v_unknown text[];
    v_not_on_sale text[];
    v_short text[];
    v_free integer[];
begin
    select
        array_agg(case when c.not_on_sale then c.own_price_minor else c.price_minor end
            order by c.nth),
        array_agg(c.sku order by c.nth) filter (where c.unknown),
        array_agg(c.sku order by c.nth) filter (where c.not_on_sale and c.quantity > c.own),
        array_agg(c.sku order by c.nth) filter (where c.free + c.own < c.quantity),
        array_agg(c.free order by c.nth) filter (where c.free + c.own < c.quantity),
        array_agg(c.free + c.own order by c.nth) filter (where c.free + c.own < c.quantity)
    into v_answer.o_prices, v_unknown, v_not_on_sale, v_short, v_free,
        v_answer.o_refused_available
    from (
        select w.sku, w.quantity, w.nth, k.price_minor, l.sku is null as unknown,
            k.retired_at is not null or k.sale_opens_at > p_now or k.sale_closes_at <= p_now
                as not_on_sale,
            l.on_hand - l.held as free, coalesce(own.quantity, 0) as own,
            own.price_minor as own_price_minor
        from unnest(p_skus, p_quantities) with ordinality w (sku, quantity, nth)
            left join skus k on k.shop = p_shop and k.sku = w.sku
            left join stock_levels l on l.shop = p_shop and l.sku = w.sku
            left join holds own on own.shop = p_shop
                and own.checkout_id = p_checkout.checkout_id
                and own.generation = p_checkout.generation and own.sku = w.sku
                and own.status = 'active') c;
    v_answer.o_outcome := case
        when v_unknown is not null then 'unknown_sku'
        when v_not_on_sale is not null then 'not_on_sale'
        when v_short is null then 'enough'
        else shortage_outcome(p_shop, v_short, v_free, p_now, p_reclaim)
    end;
    v_answer.o_refused_skus := coalesce(v_unknown, v_not_on_sale, v_short);
    if v_answer.o_outcome = 'reclaim' then
        v_answer.o_reclaim := row(v_short, null, null)::reclaim;
    end if;
    return v_answer;
end;
$$;
