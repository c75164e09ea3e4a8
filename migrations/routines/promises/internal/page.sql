-- The next subjects of a shop after this one (null: from the first), in the order of their kinds
-- and keys. Fewer than p_limit: these are the last. No locks.
create or replace function holdfast.promises_page(
    p_shop text, p_after holdfast.promise_subject, p_limit integer)
    returns setof holdfast.promise_subject
language plpgsql stable set search_path = holdfast, pg_temp as $$
declare
    v_kind text;
    v_kinds constant text[] := '{sku,movement,checkout,order,event,units,customer,coupon,use}';
    v_first integer := coalesce(array_position(v_kinds, (p_after).kind), 1);
    v_a text := coalesce((p_after).a, '');
    v_b text := coalesce((p_after).b, '');
    v_id uuid;
    v_left integer := p_limit;
    v_read integer;
begin
    foreach v_kind in array v_kinds[v_first:] loop
        exit when v_left <= 0;
        v_id := case when v_kind in ('checkout', 'order') then
            coalesce(nullif(v_a, ''), '00000000-0000-0000-0000-000000000000')::uuid end;
        case v_kind
        when 'sku' then return query
            select v_kind, l.sku, '' from stock_levels l
            where l.shop = p_shop and l.sku > v_a order by l.sku limit v_left;
        when 'movement' then return query
            select v_kind, m.sku, m.version::text from stock_movements m
            where m.shop = p_shop
                and (m.sku, m.version) > (v_a, coalesce(nullif(v_b, ''), '0')::bigint)
            order by m.sku, m.version limit v_left;
        when 'checkout' then return query
            select v_kind, both_sides.id::text, '' from (
                (select c.checkout_id from checkouts c
                where c.shop = p_shop and c.checkout_id >= v_id
                    and (v_a = '' or c.checkout_id > v_id)
                order by c.checkout_id limit v_left)
                union
                (select distinct h.checkout_id from holds h
                where h.shop = p_shop and h.checkout_id >= v_id
                    and (v_a = '' or h.checkout_id > v_id)
                order by h.checkout_id limit v_left)) both_sides (id)
            order by both_sides.id limit v_left;
        when 'order' then return query
            select v_kind, o.order_id::text, '' from orders o
            where o.shop = p_shop and o.order_id >= v_id and (v_a = '' or o.order_id > v_id)
            order by o.order_id limit v_left;
        when 'event' then return query
            select v_kind, e.gateway, e.event_key from payment_events e
            where e.shop = p_shop and (e.gateway, e.event_key) > (v_a, v_b)
            order by e.gateway, e.event_key limit v_left;
        when 'units' then return query
            select v_kind, u.customer, u.sku from customer_units u
            where u.shop = p_shop and (u.customer, u.sku) > (v_a, v_b)
            order by u.customer, u.sku limit v_left;
        when 'customer' then return query
            select v_kind, o.customer, '' from customer_checkouts o
            where o.shop = p_shop and o.customer > v_a order by o.customer limit v_left;
        when 'coupon' then return query
            select v_kind, c.code, '' from coupons c
            where c.shop = p_shop and c.code > v_a order by c.code limit v_left;
        when 'use' then return query
            select v_kind, u.code, u.customer from customer_coupons u
            where u.shop = p_shop and (u.code, u.customer) > (v_a, v_b)
            order by u.code, u.customer limit v_left;
        end case;
        get diagnostics v_read = row_count;
        v_left := v_left - v_read;
        v_a := '';
        v_b := '';
    end loop;
end;
$$;
