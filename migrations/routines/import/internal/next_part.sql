-- The number of the first part of an import that is not staged. An interrupted client continues
-- with it. No locks.
create or replace function holdfast.import_next_part(p_shop text, p_import_id uuid) returns integer
language sql stable set search_path = holdfast, pg_temp as $$
    select min(n.part) from (
        select 1 as part
        union all
        select p.part + 1 from import_parts p where p.shop = p_shop and p.import_id = p_import_id) n
    where not exists (
        select from import_parts p
        where p.shop = p_shop and p.import_id = p_import_id and p.part = n.part)
$$;
