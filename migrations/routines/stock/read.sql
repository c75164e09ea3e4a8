-- Reads a stock level, as JSON. Null: there is none. No locks: a clerk sends the version back, and
-- another change meanwhile makes it stale.
create or replace function holdfast.stock_read(p_shop text, p_sku text) returns jsonb
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    return (
        select stock_describe(l)
        from (select * from stock_levels k where k.shop = p_shop and k.sku = p_sku) l);
end;
$$;
