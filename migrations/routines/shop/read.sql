-- Reads a shop and its limits, as the JSON of the HTTP contract. Null: there is none. No locks.
create or replace function holdfast.shop_read(p_shop text) returns jsonb
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    return (
        select to_jsonb(s) from shops s where s.shop = p_shop);
end;
$$;
