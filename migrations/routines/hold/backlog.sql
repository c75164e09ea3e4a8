-- The units that are held although no shopper has tried to pay for them, in all shops: those of
-- open checkouts, and of orders of which the gateway has reported nothing. And the largest share
-- that they are, in percent: of the units on hand of one sku, or of a whole shop, where these are
-- at least 10. Many skus with few units each show only in the share of their shop.
--
-- Of each shop with open checkouts it reads: the stock levels of at most 20,000 skus with active
-- holds; at most 20,000 active holds, of the skus with the most held units first, and at most 2,000
-- of one sku (the rest of that sku counts like these); and the units on hand of at most 10,000
-- skus. A shop with more skus has no share of the whole shop. 0 without a hold. No locks.
create or replace function holdfast.hold_backlog(
    out o_units integer, out o_share double precision)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    with
    shop as (
        select s.shop from shops s
        where exists (select from checkouts c where c.shop = s.shop and c.ended_at is null)),
    stock as (
        select s.shop, k.on_hand
        from shop s
            cross join lateral (
                select sum(l.on_hand) as on_hand, count(*) as skus
                from (
                    select l.on_hand from stock_levels l where l.shop = s.shop limit 10001) l) k
        where k.skus <= 10000),
    seen as (
        select s.shop, h.sku, h.on_hand, h.held, h.quantity, c.status = 'open' or not exists (
            select from orders o
                join payments p on p.shop = o.shop and p.order_id = o.order_id
                join payment_events e on e.shop = p.shop and e.reference = p.reference
            where o.shop = s.shop and o.checkout_id = h.checkout_id
                and e.kind in ('pending', 'failed', 'paid')) as untried
        from shop s
            cross join lateral (
                -- one step of the index for each sku, however many holds it has
                with recursive open as (
                    (select b.sku, 1 as number from holds b
                    where b.shop = s.shop and b.status = 'active'
                    order by b.sku limit 1)
                    union all
                    select (select b.sku from holds b
                        where b.shop = s.shop and b.status = 'active' and b.sku > n.sku
                        order by b.sku limit 1), n.number + 1
                    from open n where n.sku is not null and n.number < 20000)
                select l.sku, l.on_hand, l.held, a.checkout_id, a.quantity
                from (
                    select k.sku, k.on_hand, k.held
                    from open n
                        cross join lateral (
                            select k.* from stock_levels k
                            where k.shop = s.shop and k.sku = n.sku and k.held > 0 limit 1) k
                    order by k.held desc, k.sku) l
                    cross join lateral (
                        select b.checkout_id, b.quantity from holds b
                        where b.shop = s.shop and b.sku = l.sku and b.status = 'active'
                        order by b.expires_at limit 2000) a
                order by l.held desc, l.sku limit 20000) h
            join checkouts c on c.shop = s.shop and c.checkout_id = h.checkout_id),
    untried as (
        select n.shop, n.sku, n.on_hand, round(n.held * coalesce(
            sum(n.quantity) filter (where n.untried), 0) / sum(n.quantity)) as units
        from seen n
        group by n.shop, n.sku, n.on_hand, n.held),
    part as (
        select u.units, u.on_hand::bigint as on_hand from untried u
        union all
        select sum(u.units), t.on_hand from untried u join stock t on t.shop = u.shop
        group by u.shop, t.on_hand)
    select least(coalesce((select sum(u.units) from untried u), 0), 2147483647)::integer,
        coalesce(max(100.0 * part.units / part.on_hand) filter (where part.on_hand >= 10), 0)
            ::double precision
    into o_units, o_share
    from part;
end;
$$;
