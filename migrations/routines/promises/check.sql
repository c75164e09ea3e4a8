-- Checks every promise that rows can show, over one shop (null: all shops), in one snapshot.
-- Returns one row per violation, with the rows that show it; no row means that every promise holds.
-- Reads every row: a person calls it, and tests. A sweep calls promises_sweep, and the stock office
-- promises_list: both use the same rules, in bounded parts. Null also meets rows of a shop that
-- does not exist: tables without a foreign key may have such rows. No locks.
create or replace function holdfast.promises_check(p_shop text)
    returns table (promise text, shop text, violation jsonb)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_shop text;
    v_page promise_subject[];
    v_page_max constant integer := 1000;
begin
    for v_shop in
        -- one step of each index for each shop
        with recursive next (shop) as (
            values (''::text collate "C")
            union all
            select least(
                (select min(s.shop) from shops s where s.shop > n.shop),
                (select min(m.shop) from stock_movements m where m.shop > n.shop),
                (select min(c.shop) from checkouts c where c.shop > n.shop),
                (select min(h.shop) from holds h where h.shop > n.shop),
                (select min(e.shop) from payment_events e where e.shop > n.shop))
            from next n where n.shop is not null)
        select n.shop from next n where n.shop > '' and p_shop is null
        union all
        select p_shop where p_shop is not null
    loop
        v_page := null;
        loop
            v_page := array(
                select s from promises_page(v_shop, v_page[v_page_max], v_page_max) s);
            return query
                select v.promise, v_shop, v.violation from promises_violations(v_shop, v_page) v;
            exit when cardinality(v_page) < v_page_max;
        end loop;
    end loop;
end;
$$;
