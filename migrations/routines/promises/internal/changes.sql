-- The next rows of a source of changes after (p_at, p_a, p_b), at most p_limit, in the order of
-- their stamps, each with the subjects that it belongs to. A stamp is when the row was written: a
-- row may be committed later, and the lap must look for it again (promises_sweep). A lap reads
-- nothing that is stamped after its beginning (p_until): otherwise a busy shop's lap would never
-- end. The sources `open_…` have no stamps: they list what is open now, whenever it was written. No
-- locks.
--
-- Together they meet every subject that a routine changes: a hold and a checkout while they are
-- open and when they end, stock that moves, each payment event, each refund, and what staff change
-- about an order or a coupon. Statements by hand may leave no stamp: the lap through the history
-- finds those. promises_has_changes asks whether a source has a row.
create or replace function holdfast.promises_changes(
    p_shop text, p_source text, p_at timestamptz, p_a text, p_b text,
    p_until timestamptz, p_limit integer)
    returns table (at timestamptz, a text, b text, subjects holdfast.promise_subject[])
language plpgsql stable set search_path = holdfast, pg_temp as $$
#variable_conflict use_column
declare
    v_hold record;
    v_customer text;
    v_no_id constant uuid := '00000000-0000-0000-0000-000000000000';
begin
    case p_source
    when 'movement' then return query
        select m.created_at, m.sku, m.version::text, array[
            row('movement', m.sku, m.version::text), row('sku', m.sku, ''),
            row('order', p.order_id::text, ''),
            -- the desk counts units without a hold
            row('units', o.customer_key, m.sku)]::promise_subject[]
        from (
            select * from stock_movements m
            where m.shop = p_shop and m.created_at <= p_until
                and (m.created_at, m.sku, m.version)
                    > (p_at, p_a, coalesce(nullif(p_b, ''), '0')::bigint)
            order by m.created_at, m.sku, m.version limit p_limit) m
            left join payments p on p.shop = p_shop and p.reference = m.reference
            left join orders o on o.shop = p_shop and o.order_id = p.order_id
        order by m.created_at, m.sku, m.version;
    when 'hold' then
        -- Its checkout is in another source: it is open, or ends with its holds. b: generation and
        -- sku.
        for v_hold in
            select h.resolved_at, h.checkout_id, h.generation, h.sku, h.limited,
                c.checkout_id is null as is_lost, c.counted_as, c.customer
            from (
                select * from holds h
                where h.shop = p_shop and h.resolved_at between p_at and p_until
                    and (h.resolved_at, h.checkout_id, h.generation, h.sku)
                        > (p_at, coalesce(nullif(p_a, '')::uuid, v_no_id),
                            coalesce(nullif(split_part(p_b, ' ', 1), ''), '0')::integer,
                            split_part(p_b, ' ', 2))
                order by h.resolved_at, h.checkout_id, h.generation, h.sku limit p_limit) h
                left join checkouts c on c.shop = p_shop and c.checkout_id = h.checkout_id
            order by h.resolved_at, h.checkout_id, h.generation, h.sku
        loop
            at := v_hold.resolved_at;
            a := v_hold.checkout_id::text;
            b := v_hold.generation || ' ' || v_hold.sku;
            if v_hold.limited then
                -- the key that it would have now, if its checkout is counted no more
                v_customer := coalesce(v_hold.counted_as, customer_key(p_shop, v_hold.customer));
            end if;
            subjects := array[
                row('checkout', case when v_hold.is_lost then a end, ''),
                row('sku', v_hold.sku, ''),
                row('units', case when v_hold.limited then v_customer end, v_hold.sku)
                ]::promise_subject[];
            return next;
        end loop;
    when 'checkout' then return query
        select c.ended_at, c.checkout_id::text, '', array[
            row('checkout', c.checkout_id::text, '')]::promise_subject[]
        from checkouts c
        where c.shop = p_shop and c.ended_at between p_at and p_until
            and (c.ended_at, c.checkout_id::text) > (p_at, p_a)
        order by c.ended_at, c.checkout_id::text limit p_limit;
    when 'event' then return query
        select e.resolved_at, e.gateway, e.event_key, array[
            row('event', e.gateway, e.event_key),
            row('order', p.order_id::text, '')]::promise_subject[]
        from (
            select * from payment_events e
            where e.shop = p_shop and e.resolved_at between p_at and p_until
                and (e.resolved_at, e.gateway, e.event_key) > (p_at, p_a, p_b)
            order by e.resolved_at, e.gateway, e.event_key limit p_limit) e
            left join payments p on p.shop = p_shop and p.reference = e.reference
        order by e.resolved_at, e.gateway, e.event_key;
    when 'overdue' then return query
        -- parked money breaks a promise when it is two hours old (promises_events)
        select e.received_at + interval '2 hours', e.gateway, e.event_key, array[
            row('event', e.gateway, e.event_key)]::promise_subject[]
        from payment_events e
        where e.shop = p_shop and e.outcome = 'parked' and e.kind = 'paid'
            and e.received_at between p_at - interval '2 hours' and p_until - interval '2 hours'
            and (e.received_at + interval '2 hours', e.gateway, e.event_key) > (p_at, p_a, p_b)
        order by e.received_at, e.gateway, e.event_key limit p_limit;
    when 'refund' then return query
        select r.changed_at, r.refund_id::text, '', array[
            row('order', r.order_id::text, '')]::promise_subject[]
        from refunds r
        where r.shop = p_shop and r.changed_at <= p_until
            and (r.changed_at, r.refund_id) > (p_at, coalesce(nullif(p_a, '')::uuid, v_no_id))
        order by r.changed_at, r.refund_id limit p_limit;
    when 'order' then return query
        select o.changed_at, o.order_id::text, '', array[
            row('order', o.order_id::text, '')]::promise_subject[]
        from orders o
        where o.shop = p_shop and o.changed_at <= p_until
            and (o.changed_at, o.order_id) > (p_at, coalesce(nullif(p_a, '')::uuid, v_no_id))
        order by o.changed_at, o.order_id limit p_limit;
    when 'coupon' then return query
        select c.changed_at, c.code, '', array[row('coupon', c.code, '')]::promise_subject[]
        from coupons c
        where c.shop = p_shop and c.changed_at <= p_until
            and (c.changed_at, c.code) > (p_at, p_a)
        order by c.changed_at, c.code limit p_limit;
    when 'open_checkout' then return query
        select c.expires_at, c.checkout_id::text, '', array[
            row('checkout', c.checkout_id::text, '')]::promise_subject[]
            || array(
                select row('units', c.counted_as, h.sku)::promise_subject from holds h
                where h.shop = p_shop and h.checkout_id = c.checkout_id
                    and h.generation = c.generation and h.status = 'active' and h.limited)
        from (
            select * from checkouts c
            where c.shop = p_shop and c.ended_at is null and c.expires_at >= p_at
                and c.created_at <= p_until
                and (c.expires_at, c.checkout_id::text) > (p_at, p_a)
            order by c.expires_at, c.checkout_id::text limit p_limit) c
        order by c.expires_at, c.checkout_id::text;
    when 'open_sku' then return query
        -- one step of the index for each sku, however many holds it has
        with recursive open as (
            (select h.sku, 1 as number from holds h
            where h.shop = p_shop and h.status = 'active' and h.sku > p_a
            order by h.sku limit 1)
            union all
            select (select h.sku from holds h
                where h.shop = p_shop and h.status = 'active' and h.sku > o.sku
                order by h.sku limit 1), o.number + 1
            from open o where o.sku is not null and o.number < p_limit)
        select '-infinity'::timestamptz, o.sku, '', array[
            row('sku', o.sku, '')]::promise_subject[]
        from open o where o.sku is not null;
    when 'open_coupon' then return query
        with recursive open as (
            (select o.coupon_code as code, 1 as number from orders o
            where o.shop = p_shop and o.coupon_use = 'held' and o.coupon_code > p_a
            order by o.coupon_code limit 1)
            union all
            select (select o.coupon_code from orders o
                where o.shop = p_shop and o.coupon_use = 'held' and o.coupon_code > p.code
                order by o.coupon_code limit 1), p.number + 1
            from open p where p.code is not null and p.number < p_limit)
        select '-infinity'::timestamptz, o.code, '', array[
            row('coupon', o.code, '')]::promise_subject[]
        from open o where o.code is not null;
    end case;
end;
$$;
