-- Checks every promise that rows can show, over one shop (null: all shops), in one snapshot.
-- Returns one row per violation, with the rows that show it; no row means that every promise holds.
-- Reads every row: a person calls it, and tests. A sweep calls promises_sweep, and the stock office
-- promises_list: both use the same rules, in bounded parts. Null also meets rows of a shop that
-- does not exist: tables without a foreign key may have such rows. No locks.
create or replace function holdfast.promises_check(p_shop text)
    returns table (promise text, shop text, violation jsonb)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_shop text collate "C";
    v_last text collate "C" := '';
    v_page promise_subject[];
    v_page_max constant integer := 1000;
begin
    loop
        v_shop := p_shop;
        if p_shop is null then
            -- one step of each index for each shop
            v_shop := least(
                (select min(s.shop) from shops s where s.shop > v_last),
                (select min(m.shop) from stock_movements m where m.shop > v_last),
                (select min(c.shop) from checkouts c where c.shop > v_last),
                (select min(h.shop) from holds h where h.shop > v_last),
                (select min(e.shop) from payment_events e where e.shop > v_last));
            exit when v_shop is null;
            v_last := v_shop;
        end if;
        v_page := null;
        loop
            v_page := array(
                select s from promises_page(v_shop, v_page[v_page_max], v_page_max) s);
            return query
                select v.promise, v_shop, v.violation from promises_violations(v_shop, v_page) v;
            exit when cardinality(v_page) < v_page_max;
        end loop;
        exit when p_shop is not null;
    end loop;
end;
$$;
