-- A late payment's second chance: takes again what the order had held, the coupon's use included,
-- all or nothing, within the customer's limits. o_taken is `taken` or `gone`; o_refused_skus are
-- the skus that are short, with what is available; o_refused_coupon is the coupon when its uses are
-- what is short. Nothing is written when it is gone. The checkout must be locked by the caller.
-- Locks: the coupon, the customer's counts, then stock levels by sku.
create or replace function holdfast.order_take_again(
    p_shop text, p_order_id uuid, p_checkout_id uuid, out o_taken text, out o_refused_skus text[],
    out o_refused_available integer[], out o_refused_coupon text)
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_limited boolean;
begin
    o_taken := 'taken';
    o_refused_skus := '{}';
    o_refused_available := '{}';
    -- a savepoint: a cart that is half there is let go whole
    begin
        perform coupon_count(p_shop, o.coupon_code, o.customer, 1, 0) from orders o
        where o.shop = p_shop and o.order_id = p_order_id and o.coupon_use = 'released';
        update orders o set coupon_use = 'held'
        where o.shop = p_shop and o.order_id = p_order_id and o.coupon_use = 'released';
        -- the order's own lines: the journal of its holds may have been purged
        select t.o_skus, t.o_available, t.o_limited
        into o_refused_skus, o_refused_available, v_limited
        from (
            select array_agg(l.sku order by l.sku) as skus,
                array_agg(l.quantity order by l.sku) as quantities,
                array_agg(l.price_minor order by l.sku) as prices
            from order_lines l where l.shop = p_shop and l.order_id = p_order_id) lines,
            checkout_take_again(p_shop, p_checkout_id, lines.skus, lines.quantities,
                lines.prices) t;
        if v_limited then
            -- what reclaiming frees would not help
            o_refused_skus := '{}';
            o_refused_available := '{}';
        end if;
        if v_limited or o_refused_skus <> '{}' then
            raise exception using errcode = 'HF001', message = 'short';
        end if;
    exception
        -- the coupon's last use went to somebody else, or was the customer's own: the constraints
        -- say so
        when check_violation or sqlstate 'HF001' then
            o_taken := 'gone';
            if sqlstate <> 'HF001' then
                select o.coupon_code into o_refused_coupon from orders o
                where o.shop = p_shop and o.order_id = p_order_id;
            end if;
    end;
end;
$$;
