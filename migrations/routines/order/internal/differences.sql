-- The differences between an order's lines and a new cart, one row per sku in lock order: wanted
-- and kept units, and the price. A kept sku keeps its price. A new sku has the catalogue's price
-- (null: not in the catalogue). o_may_sell: the sku is on sale, or the order had as many units of
-- it before (o_had), by the ledger: a party that was moved away can be moved back. The ledger has
-- no prices, so a sku that comes back has today's. o_limited: the line
-- counts against one of the customer's limits; o_limits: the sku has a limit now. No locks.
create or replace function holdfast.order_differences(
    p_shop text, p_order_id uuid, p_skus text[], p_quantities integer[],
    out o_sku text, out o_wanted integer, out o_kept integer, out o_price_minor bigint,
    out o_may_sell boolean, out o_had integer, out o_limited boolean, out o_limits boolean)
returns setof record
language plpgsql stable set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_reference text;
begin
    select p.reference into v_reference from payments p
    where p.shop = p_shop and p.order_id = p_order_id;
    return query
    select coalesce(w.sku, l.sku), coalesce(w.quantity, 0), coalesce(l.quantity - l.returned, 0),
        coalesce(l.price_minor, k.price_minor),
        (k.retired_at is null and coalesce(k.sale_opens_at <= v_now, true)
            and coalesce(k.sale_closes_at > v_now, true))
            or coalesce(w.quantity, 0) <= had.units,
        had.units,
        coalesce(l.limited, false), k.limit_per_customer is not null
    from unnest(p_skus, p_quantities) w (sku, quantity)
        full join (
            select * from order_lines o where o.shop = p_shop and o.order_id = p_order_id) l
            on l.sku = w.sku
        left join skus k on k.shop = p_shop and k.sku = coalesce(w.sku, l.sku)
        cross join lateral (
            select coalesce(max(m.units), 0)::integer as units
            from (
                select -sum(s.delta) over (order by s.version) as units
                from stock_movements s
                where s.shop = p_shop and s.reference = v_reference
                    and s.sku = coalesce(w.sku, l.sku)
                    and s.reason in ('sold', 'returned')) m) had
    order by coalesce(w.sku, l.sku) collate "C";
end;
$$;
