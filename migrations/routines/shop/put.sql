-- Creates a shop, or replaces its settings. An omitted setting gets its default. A shop's currency
-- never changes, because its prices are in it (`shop_currency_is_final`). Its time zone is one that
-- this server knows by its full name (`shop_time_zone_is_known`). Outcomes: created, changed,
-- unchanged, with the shop. Locks: the shop. On a Citus cluster a new shop needs every node,
-- because each has the list of shops; a known one needs its own node.
create or replace function holdfast.shop_put(
    p_shop text, p_name text, p_currency text,
    p_hold_s_default integer default 1200, p_hold_s_max integer default 1800,
    p_order_hold_s integer default 1800, p_checkouts_per_customer_max integer default null,
    p_order_hold_s_untried integer default 900, p_units_per_cart_max integer default 100,
    p_units_per_line_max integer default 20, p_customers_folded boolean default true,
    p_offline_allowed boolean default false, p_time_zone text default 'UTC',
    out o_outcome text, out o_shop jsonb)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    -- The view reads the server's files of zones. Rejected: now() at time zone, which also takes
    -- abbreviations that mean two zones, such as IST, and offsets of any size.
    if not exists (select from pg_timezone_names n where n.name = p_time_zone) then
        raise exception using errcode = 'check_violation', constraint = 'shop_time_zone_is_known',
            message = format('this server knows no time zone %s', p_time_zone),
            hint = 'Use a name of the IANA list, such as Asia/Kolkata.';
    end if;
    if not exists (select from shop_codes c where c.shop = p_shop) then
        insert into shop_codes (shop) values (p_shop) on conflict do nothing;
    end if;
    insert into shops as s (shop, name, currency, hold_s_default, hold_s_max, order_hold_s,
        checkouts_per_customer_max, order_hold_s_untried, units_per_cart_max, units_per_line_max,
        customers_folded, offline_allowed, time_zone)
    values (p_shop, p_name, p_currency, p_hold_s_default, p_hold_s_max, p_order_hold_s,
        p_checkouts_per_customer_max, p_order_hold_s_untried, p_units_per_cart_max,
        p_units_per_line_max, p_customers_folded, p_offline_allowed, p_time_zone)
    on conflict (shop) do nothing;
    o_outcome := case when found then 'created' else 'unchanged' end;
    if o_outcome = 'unchanged' then
        update shops s
        set name = p_name, hold_s_default = p_hold_s_default, hold_s_max = p_hold_s_max,
            order_hold_s = p_order_hold_s,
            checkouts_per_customer_max = p_checkouts_per_customer_max,
            order_hold_s_untried = p_order_hold_s_untried,
            units_per_cart_max = p_units_per_cart_max, units_per_line_max = p_units_per_line_max,
            customers_folded = p_customers_folded, offline_allowed = p_offline_allowed,
            time_zone = p_time_zone
        where s.shop = p_shop and s.currency = p_currency
            and (s.name, s.hold_s_default, s.hold_s_max, s.order_hold_s,
                    s.checkouts_per_customer_max, s.order_hold_s_untried, s.units_per_cart_max,
                    s.units_per_line_max, s.customers_folded, s.offline_allowed,
                    s.time_zone)
                is distinct from (p_name, p_hold_s_default, p_hold_s_max, p_order_hold_s,
                    p_checkouts_per_customer_max, p_order_hold_s_untried, p_units_per_cart_max,
                    p_units_per_line_max, p_customers_folded, p_offline_allowed, p_time_zone);
        o_outcome := case when found then 'changed' else 'unchanged' end;
    end if;
    o_shop := shop_read(p_shop);
    if o_shop ->> 'currency' <> p_currency then
        raise exception using errcode = 'check_violation', constraint = 'shop_currency_is_final',
            message = format('shop %s has another currency than %s', p_shop, p_currency),
            hint = 'Sell in another currency under another shop code.';
    end if;
end;
$$;
