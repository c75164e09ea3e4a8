-- Checks whether a checkout could have this cart in place of its present one. Its own holds do not
-- count against it. A sku of which the checkout gets no more units than it holds need not be on
-- sale, and then keeps its held price. Otherwise a shopper could not take it out of the cart.
-- Outcomes: enough (with the prices), unknown_sku, not_on_sale, too_many_units (if p_capped; but a
-- cart and a line may keep as many units as they have), and those of shortage_outcome. A refusal
-- lists all of its skus. Reads without locks.
create or replace function holdfast.cart_check(
    p_shop text, p_checkout holdfast.checkouts, p_skus text[], p_quantities integer[],
    p_now timestamptz, p_capped boolean, p_reclaim boolean) returns holdfast.checkout_answer
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_answer checkout_answer;
    v_unknown text[];
    v_not_on_sale text[];
    v_short text[];
    v_free integer[];
    v_too_many text[];
    v_units bigint;
    v_own bigint;
begin
    select
        array_agg(case when c.not_on_sale then c.own_price_minor else c.price_minor end
            order by c.nth),
        array_agg(c.sku order by c.nth) filter (where c.unknown),
        array_agg(c.sku order by c.nth) filter (where c.not_on_sale and c.quantity > c.own),
        array_agg(c.sku order by c.nth) filter (where c.free + c.own < c.quantity),
        array_agg(c.free order by c.nth) filter (where c.free + c.own < c.quantity),
        array_agg(c.free + c.own order by c.nth) filter (where c.free + c.own < c.quantity),
        array_agg(c.sku order by c.nth)
            filter (where c.quantity > greatest(c.units_per_line_max, c.own)),
        sum(c.quantity), array[max(c.units_per_cart_max), max(c.units_per_line_max)]
    into v_answer.o_prices, v_unknown, v_not_on_sale, v_short, v_free,
        v_answer.o_refused_available, v_too_many, v_units, v_answer.o_units_max
    from (
        select w.sku, w.quantity, w.nth, k.price_minor, l.sku is null as unknown,
            k.retired_at is not null or k.sale_opens_at > p_now or k.sale_closes_at <= p_now
                as not_on_sale,
            l.on_hand - l.held as free, coalesce(own.quantity, 0) as own,
            own.price_minor as own_price_minor,
            s.units_per_cart_max, s.units_per_line_max
        from unnest(p_skus, p_quantities) with ordinality w (sku, quantity, nth)
            join shops s on s.shop = p_shop
            left join skus k on k.shop = p_shop and k.sku = w.sku
            left join stock_levels l on l.shop = p_shop and l.sku = w.sku
            left join holds own on own.shop = p_shop
                and own.checkout_id = p_checkout.checkout_id
                and own.generation = p_checkout.generation and own.sku = w.sku
                and own.status = 'active') c;
    select sum(h.quantity) into v_own from holds h
    where h.shop = p_shop and h.checkout_id = p_checkout.checkout_id
        and h.generation = p_checkout.generation and h.status = 'active';
    v_answer.o_outcome := case
        when v_unknown is not null then 'unknown_sku'
        when v_not_on_sale is not null then 'not_on_sale'
        when p_capped and (v_too_many is not null
                or v_units > greatest(v_answer.o_units_max[1], v_own)) then 'too_many_units'
        when v_short is null then 'enough'
        else shortage_outcome(p_shop, v_short, v_free, p_now, p_reclaim)
    end;
    v_answer.o_refused_skus := case v_answer.o_outcome when 'too_many_units' then v_too_many
        else coalesce(v_unknown, v_not_on_sale, v_short) end;
    if v_answer.o_outcome <> 'too_many_units' then
        v_answer.o_units_max := null;
    end if;
    if v_answer.o_outcome = 'reclaim' then
        v_answer.o_reclaim := row(v_short, null, null)::reclaim;
    end if;
    return v_answer;
end;
$$;
