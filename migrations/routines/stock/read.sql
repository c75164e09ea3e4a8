-- Reads a stock level, as JSON. Null: there is none. No locks: a clerk sends the version back, and
-- another change meanwhile makes it stale.
create or replace function holdfast.stock_read(p_shop text, p_sku text) returns jsonb
language sql stable security definer set search_path = holdfast, pg_temp as $$
    select stock_describe(l) from stock_levels l where l.shop = p_shop and l.sku = p_sku
$$;
