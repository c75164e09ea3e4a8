-- The skus that sell: those of p_sold (units sold lately, by sku) and those with active holds, at
-- most p_limit, the most units sold and held first. Steps through the index of active holds once
-- for each sku, 200 steps at most. No locks.
create or replace function holdfast.sale_busy_skus(p_shop text, p_sold jsonb, p_limit integer)
    returns text[]
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return (
        with recursive held as (
            (select h.sku, 1 as nth from holds h
            where h.shop = p_shop and h.status = 'active' order by h.sku limit 1)
            union all
            select (select h.sku from holds h
                where h.shop = p_shop and h.status = 'active' and h.sku > n.sku
                order by h.sku limit 1), n.nth + 1
            from held n where n.sku is not null and n.nth < 200)
        select array(
            select busy.sku
            from (
                select n.sku from held n where n.sku is not null
                union
                select k collate "C" from jsonb_object_keys(p_sold) k) busy
                cross join lateral (
                    select * from stock_levels l
                    where l.shop = p_shop and l.sku = busy.sku limit 1) l
            order by coalesce((p_sold ->> busy.sku)::bigint, 0) + l.held desc, busy.sku
            limit p_limit));
end;
$$;
