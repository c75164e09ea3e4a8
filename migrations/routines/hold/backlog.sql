-- The units that are held although no shopper has tried to pay for them, in these shops (null: in
-- all): those of open checkouts, and of orders of which the gateway has reported nothing. And the
-- largest share that they are, in percent: of the units on hand of one sku, or of a whole shop,
-- where these are at least 10. Many skus with few units each show only in the share of their shop.
--
-- Of each shop with open checkouts it reads: the stock levels of at most 20,000 skus with active
-- holds; at most 20,000 active holds, of the skus with the most held units first, and at most 2,000
-- of one sku (the rest of that sku counts like these); and the units on hand of at most 10,000
-- skus. A shop with more skus has no share of the whole shop. 0 without a hold. No locks.
create or replace function holdfast.hold_backlog(
    p_shops text[] default null,
    out o_units integer, out o_share double precision)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_shop text;
    v_units numeric;
    v_share numeric;
    v_all numeric := 0;
begin
    o_share := 0;
    for v_shop in
        select s.shop from shops s
        where (p_shops is null or s.shop = any (p_shops)) and exists (
            select from checkouts c
            where c.shop = s.shop and (p_shops is null or c.shop = any (p_shops))
                and c.ended_at is null)
    loop
        with
        stock as (
            select sum(l.on_hand) as on_hand
            from (select l.on_hand from stock_levels l where l.shop = v_shop limit 10001) l
            having count(*) <= 10000),
        seen as (
            select h.sku, h.on_hand, h.held, h.quantity, c.status = 'open' or not exists (
                select from orders o
                    join payments p on p.shop = v_shop and p.order_id = o.order_id
                    join payment_events e on e.shop = v_shop and e.reference = p.reference
                where o.shop = v_shop and o.checkout_id = h.checkout_id
                    and e.kind in ('pending', 'failed', 'paid')) as untried
            from (
                -- one step of the index for each sku, however many holds it has
                with recursive open as (
                    (select b.sku, 1 as number from holds b
                    where b.shop = v_shop and b.status = 'active'
                    order by b.sku limit 1)
                    union all
                    select (select b.sku from holds b
                        where b.shop = v_shop and b.status = 'active' and b.sku > n.sku
                        order by b.sku limit 1), n.number + 1
                    from open n where n.sku is not null and n.number < 20000)
                select l.sku, l.on_hand, l.held, a.checkout_id, a.quantity
                from (
                    select k.sku, k.on_hand, k.held
                    from open n
                        cross join lateral (
                            select k.* from stock_levels k
                            where k.shop = v_shop and k.sku = n.sku and k.held > 0 limit 1) k
                    order by k.held desc, k.sku) l
                    cross join lateral (
                        select b.checkout_id, b.quantity from holds b
                        where b.shop = v_shop and b.sku = l.sku and b.status = 'active'
                        order by b.expires_at limit 2000) a
                order by l.held desc, l.sku limit 20000) h
                join checkouts c on c.shop = v_shop and c.checkout_id = h.checkout_id),
        untried as (
            select n.sku, n.on_hand, round(n.held * coalesce(
                sum(n.quantity) filter (where n.untried), 0) / sum(n.quantity)) as units
            from seen n
            group by n.sku, n.on_hand, n.held),
        part as (
            select u.units, u.on_hand::bigint as on_hand from untried u
            union all
            select (select sum(u.units) from untried u), t.on_hand from stock t)
        select (select sum(u.units) from untried u),
            max(100.0 * part.units / part.on_hand) filter (where part.on_hand >= 10)
        into v_units, v_share
        from part;
        v_all := v_all + coalesce(v_units, 0);
        o_share := greatest(o_share, v_share::double precision);
    end loop;
    o_units := least(v_all, 2147483647);
end;
$$;
