-- Creates a sku with an empty stock level, or replaces its entry in the catalogue. An omitted field
-- gets its default. Stock changes by stock_adjust, stock_receive and stock_set. p_retired: true
-- takes it off sale, false puts it on sale again, null changes neither. p_currency, if given, must
-- be the shop's (`sku_currency_is_the_shops`). p_departs_at makes it a departure. Outcomes:
-- created, changed, unchanged, with the sku. Locks: the sku, and its stock level when the low-stock
-- threshold changes.
create or replace function holdfast.sku_put(
    p_shop text, p_sku text, p_title text, p_attributes jsonb, p_price_minor bigint,
    p_low_stock integer default 0,
    p_sale_opens_at timestamptz default null, p_sale_closes_at timestamptz default null,
    p_limit_per_customer integer default null, p_retired boolean default null,
    p_currency text default null, p_departs_at timestamptz default null,
    out o_outcome text, out o_sku jsonb)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := now();
begin
    perform from shops s where s.shop = p_shop and s.currency <> p_currency;
    if found then
        raise exception using errcode = 'check_violation', constraint = 'sku_currency_is_the_shops',
            message = format('prices of shop %s are not in %s', p_shop, p_currency);
    end if;
    insert into skus (shop, sku, title, attributes, price_minor, sale_opens_at, sale_closes_at,
        limit_per_customer, departs_at, retired_at)
    values (p_shop, p_sku, p_title, p_attributes, p_price_minor, p_sale_opens_at, p_sale_closes_at,
        p_limit_per_customer, p_departs_at, case when p_retired then v_now end)
    on conflict (shop, sku) do nothing;
    o_outcome := case when found then 'created' else 'unchanged' end;
    if o_outcome = 'created' then
        insert into stock_levels (shop, sku, low_stock_threshold)
        values (p_shop, p_sku, p_low_stock);
    else
        update skus k
        set title = p_title, attributes = p_attributes, price_minor = p_price_minor,
            sale_opens_at = p_sale_opens_at, sale_closes_at = p_sale_closes_at,
            sale_closed_by = case when k.sale_closes_at = p_sale_closes_at
                then k.sale_closed_by end,
            limit_per_customer = p_limit_per_customer, departs_at = p_departs_at,
            retired_at = case when coalesce(p_retired, k.retired_at is not null)
                then coalesce(k.retired_at, v_now) end
        where k.shop = p_shop and k.sku = p_sku
            and (k.title, k.attributes, k.price_minor, k.sale_opens_at, k.sale_closes_at,
                    k.limit_per_customer, k.departs_at, k.retired_at is not null)
                is distinct from (p_title, p_attributes, p_price_minor, p_sale_opens_at,
                    p_sale_closes_at, p_limit_per_customer, p_departs_at,
                    coalesce(p_retired, k.retired_at is not null));
        o_outcome := case when found then 'changed' else 'unchanged' end;
        -- Only when it changes: a corrected title must not make a clerk's version stale.
        update stock_levels l set low_stock_threshold = p_low_stock, version = l.version + 1
        where l.shop = p_shop and l.sku = p_sku and l.low_stock_threshold <> p_low_stock;
        o_outcome := case when found then 'changed' else o_outcome end;
    end if;
    o_sku := sku_read(p_shop, p_sku);
end;
$$;
