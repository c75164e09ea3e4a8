-- The departures that a dispatcher offers instead of a full one: at most p_limit others that are on
-- sale, have not left, and have p_seats free seats, as a JSON array. First those of the same line,
-- then those of other lines; of each, the nearest in time first. Two departures are of one line if
-- they have the same title. Reads at most p_scan departures before and p_scan after it, of the line
-- and of the shop. Null: there is no such departure. No locks: a seat may be gone when the
-- dispatcher asks for it.
create or replace function holdfast.departure_near(
    p_shop text, p_sku text, p_seats integer, p_limit integer, p_scan integer) returns jsonb
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_full skus%rowtype;
    v_skus text[];
    v_same_line boolean[];
begin
    select * into v_full from skus k
    where k.shop = p_shop and k.sku = p_sku and k.departs_at is not null;
    if not found then
        return null;
    end if;
    with around as (
        (select k.sku from skus k
        where k.shop = p_shop and k.title = v_full.title and k.departs_at is not null
            and (k.departs_at, k.sku) > (v_full.departs_at, p_sku)
        order by k.departs_at, k.sku limit p_scan)
        union
        (select k.sku from skus k
        where k.shop = p_shop and k.title = v_full.title and k.departs_at is not null
            and (k.departs_at, k.sku) < (v_full.departs_at, p_sku)
        order by k.departs_at desc, k.sku desc limit p_scan)
        union
        (select k.sku from skus k
        where k.shop = p_shop and k.departs_at is not null
            and (k.departs_at, k.sku) > (v_full.departs_at, p_sku)
        order by k.departs_at, k.sku limit p_scan)
        union
        (select k.sku from skus k
        where k.shop = p_shop and k.departs_at is not null
            and (k.departs_at, k.sku) < (v_full.departs_at, p_sku)
        order by k.departs_at desc, k.sku desc limit p_scan)),
    fits as (
        select k.sku, k.title = v_full.title as same_line,
            greatest(k.departs_at - v_full.departs_at, v_full.departs_at - k.departs_at)
                as apart
        from around a
            -- each limit makes the planner look up one row by the key
            cross join lateral (
                select * from skus k where k.shop = p_shop and k.sku = a.sku limit 1) k
            cross join lateral (
                select * from stock_levels l
                where l.shop = p_shop and l.sku = a.sku limit 1) l
        where k.retired_at is null and k.departs_at > now()
            and coalesce(k.sale_opens_at <= now(), true)
            and coalesce(k.sale_closes_at > now(), true)
            and l.on_hand - l.held >= p_seats
        order by same_line desc, apart, k.sku limit p_limit)
    select array_agg(f.sku order by f.same_line desc, f.apart, f.sku),
        array_agg(f.same_line order by f.same_line desc, f.apart, f.sku)
    into v_skus, v_same_line
    from fits f;
    return (
        select coalesce(jsonb_agg(departure_describe(p_shop, f.sku)
            || jsonb_build_object('same_line', f.same_line) order by f.nth), '[]')
        from unnest(v_skus, v_same_line) with ordinality f (sku, same_line, nth));
end;
$$;
