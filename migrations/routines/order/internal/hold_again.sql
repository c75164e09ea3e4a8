-- Holds an order's stock again, with its coupon use, for a late payment: all or nothing, within the
-- customer's limits, and only skus that were on sale when the order was made and are not retired:
-- a shopper who ordered in time and paid late bought in time. The order keeps its prices and its
-- discount: the shopper has paid them. Outcomes: held; `again` and `reclaim`, as in
-- checkout_begin_attempt. Any other outcome says that the stock or the coupon's last use is gone,
-- or that a sku is off sale. Only `held` has written something.
-- The caller has locked the checkout. Locks: the coupon, the customer's counts, then stock levels
-- by sku.
create or replace function holdfast.order_hold_again(
    p_shop text, p_order_id uuid, p_checkout_id uuid, p_reclaim boolean)
    returns holdfast.hold_answer
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_answer hold_answer;
    v_now timestamptz := clock_timestamp();
    v_order orders%rowtype;
    v_lines record;
    v_recheck record;
begin
    select * into strict v_order from orders o where o.shop = p_shop and o.order_id = p_order_id;
    -- the order's own lines: the journal of its holds may have been purged
    select array_agg(l.sku order by l.sku) as skus,
        array_agg(l.quantity order by l.sku) as quantities,
        array_agg(l.price_minor order by l.sku) as prices
    into v_lines
    from order_lines l where l.shop = p_shop and l.order_id = p_order_id;
    v_recheck := cart_recheck(p_shop, v_lines.skus, null, v_order.created_at);
    if v_recheck.o_outcome <> 'unchanged' then
        v_answer.o_outcome := v_recheck.o_outcome;
        v_answer.o_refused_skus := v_recheck.o_skus;
        return v_answer;
    end if;
    -- a savepoint: it removes a half-held cart
    begin
        if v_order.coupon_use = 'released' then
            perform coupon_count(p_shop, v_order.coupon_code, v_order.customer_key, 1, 0);
            update orders o set coupon_use = 'held'
            where o.shop = p_shop and o.order_id = p_order_id;
        end if;
        v_answer := checkout_hold_again(
            p_shop, p_checkout_id, v_lines.skus, v_lines.quantities, v_lines.prices);
        if v_answer.o_outcome <> 'held' then
            raise exception using errcode = 'HF001', message = 'short';
        end if;
    exception
        when sqlstate 'HF001' then
            if v_answer.o_outcome = 'shortage' then
                v_answer.o_outcome := shortage_outcome(p_shop, v_answer.o_refused_skus,
                    v_answer.o_refused_available, v_now, p_reclaim);
                v_answer.o_reclaim := row(v_answer.o_refused_skus, null, null)::reclaim;
            end if;
        -- a constraint refuses the coupon: another customer has its last use, or this customer had
        -- theirs
        when check_violation then
            v_answer.o_outcome := case
                when p_reclaim and coupon_has_due_uses(p_shop, v_order.coupon_code)
                then 'reclaim' else 'coupon_used_up' end;
            v_answer.o_reclaim := row(null, v_order.coupon_code, null)::reclaim;
    end;
    return v_answer;
end;
$$;
