-- Purges the oldest import of one shop that began more than p_older_than ago: at most p_chunks_max
-- of its chunks, and the import itself when no chunk is left. Returns the number of purged chunks,
-- plus 1 if the import is gone: 0 only if there is nothing to purge.
-- The movements of the import stay in the ledger. Locks: the import (SKIP LOCKED).
create or replace function holdfast.import_purge(
    p_shop text, p_older_than interval, p_chunks_max integer) returns integer
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_import_id uuid;
    v_chunks integer;
begin
    if p_older_than < interval '1 day' then
        raise exception using errcode = 'invalid_parameter_value',
            message = 'import_purge: an import is kept for at least a day';
    end if;
    select i.import_id into v_import_id from imports i
    where i.shop = p_shop and i.created_at < now() - p_older_than
    order by i.created_at limit 1 for update skip locked;
    if not found then
        return 0;
    end if;
    with old as (
        delete from import_chunks c using (
            select d.part, d.chunk from import_chunks d
            where d.shop = p_shop and d.import_id = v_import_id
            order by d.part, d.chunk limit p_chunks_max) d
        where c.shop = p_shop and c.import_id = v_import_id and c.part = d.part
            and c.chunk = d.chunk
        returning c.part, c.lines, c.skus),
    skus as (
        delete from import_skus i using (
            select o.part, r.line, r.sku from old o cross join unnest(o.lines, o.skus) r (line, sku)
            ) r
        where i.shop = p_shop and i.import_id = v_import_id and i.sku = r.sku and i.part = r.part
            and i.line = r.line)
    select count(*) into v_chunks from old;
    if v_chunks < p_chunks_max then
        delete from import_parts p where p.shop = p_shop and p.import_id = v_import_id;
        delete from imports i where i.shop = p_shop and i.import_id = v_import_id;
    end if;
    return v_chunks + case when v_chunks < p_chunks_max then 1 else 0 end;
end;
$$;
