-- The step of import_apply. The caller has locked p_import; the routine returns it as changed. It
-- continues the pass of p_import's status, or begins a new one at the first row. Rows that change
-- nothing are not locked. The others are locked and judged once more, because stock may have moved
-- meanwhile. Locks: the skus that change, by sku; the stock levels that change or whose version is
-- expected, by sku; then as import_write.
create or replace function holdfast.import_step(
    p_import holdfast.imports, p_mode text, p_dry_run boolean, p_actor text)
    returns holdfast.imports
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v imports%rowtype := p_import;
    v_pass text := case when p_dry_run then 'trying' else 'applying' end;
    v_all boolean := p_mode = 'all_or_nothing' and not p_dry_run;
    v_from record;
    v_to record;
    v_found record;
    v_skus text[] := '{}';
    v_levels text[] := '{}';
begin
    if v.status <> v_pass then
        v.status := v_pass;
        v.mode := case when not p_dry_run then p_mode end;
        v.at_part := 0; v.at_chunk := 0;
        v.created := 0; v.changed := 0; v.unchanged := 0; v.refused := 0;
    end if;
    select c.part, c.chunk into v_from from import_chunks c
    where c.shop = v.shop and c.import_id = v.import_id
        and (c.part, c.chunk) > (v.at_part, v.at_chunk)
    order by c.part, c.chunk limit 1;
    if found then
        v_to := v_from;
        if v_all then
            select c.part, c.chunk into v_to from import_chunks c
            where c.shop = v.shop and c.import_id = v.import_id
            order by c.part desc, c.chunk desc limit 1;
        end if;
        select f.* into v_found from import_judge_chunks(v.shop, v.import_id, v_from.part,
            v_from.chunk, v_to.part, v_to.chunk, false) f;
        if not p_dry_run and v_found.o_changed > 0 and not (v_all and v_found.o_refused > 0) then
            v_skus := v_found.o_skus;
            v_levels := v_found.o_levels;
            perform from skus k where k.shop = v.shop and k.sku = any (v_skus)
            order by k.sku for no key update;
            perform from stock_levels l where l.shop = v.shop and l.sku = any (v_levels)
            order by l.sku for no key update;
            select f.* into v_found from import_judge_chunks(v.shop, v.import_id, v_from.part,
                v_from.chunk, v_to.part, v_to.chunk, true) f;
        end if;
        if v_all and v_found.o_refused > 0 then
            v.status := 'rejected';
        elsif not p_dry_run and v_found.o_created + v_found.o_changed > 0 then
            perform import_write(v.shop, v.import_id, v_from.part, v_from.chunk, v_to.part,
                v_to.chunk, v_skus, v_levels, p_actor);
        end if;
        v.created := v.created + v_found.o_created;
        v.changed := v.changed + v_found.o_changed;
        v.unchanged := v.unchanged + v_found.o_unchanged;
        v.refused := v.refused + v_found.o_refused;
        v.at_part := v_to.part; v.at_chunk := v_to.chunk;
    end if;
    if v.status = v_pass and not exists (
        select from import_chunks c
        where c.shop = v.shop and c.import_id = v.import_id
            and (c.part, c.chunk) > (v.at_part, v.at_chunk)) then
        v.status := case when p_dry_run then 'tried' else 'done' end;
    end if;
    v.ended_at := case when v.status in ('done', 'rejected') then now() end;
    update imports i
    set status = v.status, mode = v.mode, at_part = v.at_part, at_chunk = v.at_chunk,
        created = v.created, changed = v.changed, unchanged = v.unchanged, refused = v.refused,
        ended_at = v.ended_at
    where i.shop = v.shop and i.import_id = v.import_id;
    return v;
end;
$$;
