-- The codes of all shops, sorted: a sweep makes one call per shop.
create or replace function holdfast.shop_list() returns setof text
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    return query
    select s.shop from shops s order by s.shop;
end;
$$;
