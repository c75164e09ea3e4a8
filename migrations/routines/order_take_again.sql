-- A late payment's second chance: takes again what the order had held, the coupon's use included,
-- all or nothing. o_taken is `taken` or `gone`; o_refused_skus are the skus that are short, with
-- what is available. Nothing is written when it is gone. The checkout must be locked by the caller.
-- Locks: the coupon, then stock levels by sku.
create or replace function holdfast.order_take_again(
    p_shop text, p_order_id uuid, p_checkout_id uuid, out o_taken text, out o_refused_skus text[],
    out o_refused_available integer[])
language plpgsql set search_path = holdfast, pg_temp as $$
begin
    o_taken := 'taken';
    o_refused_skus := '{}';
    o_refused_available := '{}';
    -- a savepoint: a cart that is half there is let go whole
    begin
        update coupons c set uses_held = c.uses_held + 1
        from orders o
        where o.shop = p_shop and o.order_id = p_order_id and o.coupon_use = 'released'
            and c.shop = o.shop and c.code = o.coupon_code;
        update orders o set coupon_use = 'held'
        where o.shop = p_shop and o.order_id = p_order_id and o.coupon_use = 'released';
        -- the order's own lines: the journal of its holds may have been purged
        select t.o_skus, t.o_available into o_refused_skus, o_refused_available
        from (
            select array_agg(l.sku order by l.sku) as skus,
                array_agg(l.quantity order by l.sku) as quantities,
                array_agg(l.price_minor order by l.sku) as prices
            from order_lines l where l.shop = p_shop and l.order_id = p_order_id) lines,
            checkout_take_again(p_shop, p_checkout_id, lines.skus, lines.quantities,
                lines.prices) t;
        if o_refused_skus <> '{}' then
            raise exception using errcode = 'HF001', message = 'short';
        end if;
    exception
        -- the coupon's last use went to somebody else: its own constraint says so
        when check_violation or sqlstate 'HF001' then
            o_taken := 'gone';
    end;
end;
$$;
