-- These subjects and those that change with them: a checkout's customer and order, an order's
-- customer, limited skus and coupon. Each once; one without a key is left out. So are skus with
-- active holds and coupons with held uses: each costs a sum, and would return in every step of a
-- sale. A lap reads them once, at its end (`open_sku`, `open_coupon`). No locks.
create or replace function holdfast.promises_related(
    p_shop text, p_subjects holdfast.promise_subject[]) returns setof holdfast.promise_subject
language plpgsql stable set search_path = holdfast, pg_temp as $$
declare
    v_counted_as text[];
    v_customers text[];
    v_keys text[];
begin
    select array_agg(c.counted_as), array_agg(c.customer) into v_counted_as, v_customers
    from unnest(p_subjects) g
        join checkouts c on c.shop = p_shop and c.checkout_id = g.a::uuid
    where g.kind = 'checkout';
    -- an ended checkout is counted no more: under the key that it would have now
    v_keys := array(
        select distinct coalesce(c.counted_as, customer_key(p_shop, c.customer))
        from unnest(v_counted_as, v_customers) c (counted_as, customer));
    return query
    with given as materialized (
        select distinct s.kind, s.a, s.b from unnest(p_subjects) s where s.a is not null),
    bought as materialized (
        select o.order_id, o.coupon_code, o.customer_key from given g
            join orders o on o.shop = p_shop and o.checkout_id = g.a::uuid
        where g.kind = 'checkout'
        union
        select o.order_id, o.coupon_code, o.customer_key from given g
            join orders o on o.shop = p_shop and o.order_id = g.a::uuid
        where g.kind = 'order'),
    touched as materialized (
        select g.kind, g.a, g.b from given g
        union
        select 'customer', k.customer, '' from unnest(v_keys) k (customer)
        union
        select 'customer', b.customer_key, '' from bought b
        union
        select 'order', b.order_id::text, '' from bought b
        union
        select 'units', b.customer_key, l.sku from bought b
            join order_lines l on l.shop = p_shop and l.order_id = b.order_id
        where l.limited
        union
        select 'coupon', b.coupon_code, '' from bought b where b.coupon_code is not null
        union
        select 'use', b.coupon_code, b.customer_key from bought b where b.coupon_code is not null)
    select t.kind, t.a, t.b from touched t
    where case t.kind
        when 'sku' then not exists (
            select from holds h where h.shop = p_shop and h.sku = t.a and h.status = 'active')
        when 'coupon' then not exists (
            select from orders o
            where o.shop = p_shop and o.coupon_code = t.a and o.coupon_use = 'held')
        else true end;
end;
$$;
