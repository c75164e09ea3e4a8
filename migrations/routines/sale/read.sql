-- A sale as its owner watches it, as JSON: sold, held and left of each sku and of the shop; what
-- happened in each of the last p_minutes minutes; the holds that end next.
--
-- p_skus: these skus; null: those that had a sale in these minutes or have an active hold, the
-- busiest first, 50 at most. The shop's totals are null if it has more than 10,000 skus.
--
-- Minutes: grants are checkouts that began to hold stock (not carts that replace another one), sold
-- counts units, payments and late_payments are gateways' payments by their outcome. Refusals are
-- not here: a refusal writes nothing. Each number is of at most p_scan rows, the newest:
-- complete_from is the first minute for which all numbers are whole.
--
-- Every read goes by an index on time, or by the key: the cost is that of the minutes, and not of
-- the shop's history. Null: there is no such shop. No locks, no flush.
create or replace function holdfast.sale_read(
    p_shop text, p_skus text[], p_minutes integer, p_scan integer) returns jsonb
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_from timestamptz := date_trunc('minute', v_now) - (p_minutes - 1) * interval '1 minute';
    v_sold jsonb;
    v_skus text[];
    v_minutes jsonb;
    v_complete_from timestamptz;
begin
    if not exists (select from shops s where s.shop = p_shop) then
        return null;
    end if;
    -- units sold of each sku in these minutes
    select coalesce(jsonb_object_agg(m.sku, m.units), '{}') into v_sold
    from (
        select m.sku, -sum(m.delta) as units
        from (
            select * from stock_movements m
            where m.shop = p_shop and m.created_at >= v_from
            order by m.created_at desc, m.sku desc, m.version desc limit p_scan) m
        where m.reason = 'sold'
        group by m.sku) m;
    v_skus := coalesce(p_skus, sale_busy_skus(p_shop, v_sold, 50));
    select m.o_minutes, m.o_complete_from into v_minutes, v_complete_from
    from sale_minutes(p_shop, v_from, v_now, p_scan) m;
    return jsonb_build_object(
        'currency', (select s.currency from shops s where s.shop = p_shop),
        'skus', (
            select coalesce(jsonb_agg(jsonb_build_object('sku', k.sku, 'title', k.title,
                    'sold', l.sold, 'held', l.held, 'available', l.on_hand - l.held,
                    'on_hand', l.on_hand, 'version', l.version,
                    'sold_lately', coalesce((v_sold ->> k.sku)::bigint, 0),
                    'sale_opens_at', k.sale_opens_at, 'sale_closes_at', k.sale_closes_at,
                    'retired_at', k.retired_at) order by w.nth), '[]')
            from unnest(v_skus) with ordinality w (sku, nth)
                cross join lateral (
                    select * from skus k where k.shop = p_shop and k.sku = w.sku limit 1) k
                cross join lateral (
                    select * from stock_levels l
                    where l.shop = p_shop and l.sku = w.sku limit 1) l),
        'totals', (
            select case when count(*) <= 10000 then jsonb_build_object(
                'sold', coalesce(sum(l.sold), 0), 'held', coalesce(sum(l.held), 0),
                'available', coalesce(sum(l.on_hand - l.held), 0)) end
            from (select * from stock_levels l where l.shop = p_shop limit 10001) l),
        'minutes', v_minutes,
        'complete_from', v_complete_from,
        'ending_next', (
            select coalesce(jsonb_agg(jsonb_build_object('checkout_id', c.checkout_id,
                    'customer', c.customer, 'status', c.status, 'expires_at', c.expires_at,
                    'units', h.units, 'skus', h.skus) order by c.expires_at), '[]')
            from (
                select * from checkouts c
                where c.shop = p_shop and c.ended_at is null and c.expires_at > v_now
                order by c.expires_at limit 10) c
                cross join lateral (
                    select sum(h.quantity) as units,
                        jsonb_agg(h.sku order by h.sku) as skus
                    from holds h
                    where h.shop = p_shop and h.checkout_id = c.checkout_id
                        and h.generation = c.generation) h),
        'server_time', v_now);
end;
$$;
