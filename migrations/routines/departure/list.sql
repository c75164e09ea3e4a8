-- The departures of p_days days from p_day on, days of the shop's time zone, with their seats, in
-- the order in which they leave. The page begins after the row of the p_after_… parameters (null:
-- at the first), and has at most p_limit rows. Retired departures are left out: a page reads at
-- most p_scan rows. o_after is the last row that was read, if there may be more. o_time_zone is
-- null if there is no such shop. No locks, and no flush: a booking from just before a crash may be
-- shown and then be gone.
create or replace function holdfast.departure_list(
    p_shop text, p_day date, p_days integer, p_after_departs_at timestamptz, p_after_sku text,
    p_limit integer, p_scan integer,
    out o_time_zone text, out o_departures jsonb, out o_after jsonb)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_from timestamptz;
    v_until timestamptz;
    v_scanned text[];
    v_kept text[];
    v_found jsonb[];
begin
    select s.time_zone into o_time_zone from shops s where s.shop = p_shop;
    v_from := p_day::timestamp at time zone o_time_zone;
    v_until := (p_day + p_days)::timestamp at time zone o_time_zone;
    select array_agg(page.sku order by page.departs_at, page.sku),
        array_agg(page.sku order by page.departs_at, page.sku)
            filter (where page.retired_at is null)
    into v_scanned, v_kept
    from (
        select k.sku, k.departs_at, k.retired_at from skus k
        where k.shop = p_shop and k.departs_at is not null and k.departs_at < v_until
            and (k.departs_at, k.sku)
                > (coalesce(p_after_departs_at, v_from), coalesce(p_after_sku, ''))
        order by k.departs_at, k.sku limit p_scan) page;
    select array_agg(departure_describe(p_shop, fits.sku) order by fits.nth) into v_found
    from unnest(v_kept[:p_limit]) with ordinality fits (sku, nth);
    o_departures := to_jsonb(coalesce(v_found, '{}'));
    o_after := case
        when cardinality(v_found) = p_limit then v_found[p_limit]
        when cardinality(v_scanned) = p_scan
            then departure_describe(p_shop, v_scanned[p_scan])
    end;
end;
$$;
