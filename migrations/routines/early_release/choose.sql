-- A person chooses how every operation flushes: `message`, `row-lock`, `off` (no lock is freed
-- early), or `auto` (as the last migration found out). It needs the owner, and no superuser. The
-- next call of every session uses it, and later migrations keep it (early_release_decide).
create or replace function holdfast.early_release_choose(
    p_way text, out o_way text, out o_why text)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_chosen text := nullif(early_release_checked('p_way', p_way), 'auto');
begin
    -- excludes migrations: they write the same function
    lock table schema_release in share row exclusive mode;
    update schema_early_release e
    set chosen = v_chosen, chosen_by = case when v_chosen is not null then 'person' end;
    select w.o_way, w.o_why into strict o_way, o_why from early_release_write() w;
end;
$$;
