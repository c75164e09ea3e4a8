-- The number of the first part of an import that is not staged. An interrupted client continues
-- with it. No locks.
create or replace function holdfast.import_next_part(p_shop text, p_import_id uuid) returns integer
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return (
        select (coalesce(min(n.nth) filter (where n.part <> n.nth), count(*) + 1))::integer
        from (
            select p.part, row_number() over (order by p.part) as nth from import_parts p
            where p.shop = p_shop and p.import_id = p_import_id) n);
end;
$$;
