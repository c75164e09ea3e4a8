-- The choice of a deployment, and its report. Every migration calls it, in the transaction that
-- writes the routines. p_way: `auto`, `message`, `row-lock` or `off`; null keeps what is chosen.
-- `auto` keeps the choice of a person (early_release_choose), and ends that of a deployment.
-- Another p_way is the choice until the next one. Without a choice, the probe of this server
-- decides, each time anew: the database may have moved.
create or replace function holdfast.early_release_decide(
    p_way text, out o_way text, out o_why text)
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_probed record := early_release_probe();
    v_chosen text;
begin
    if p_way is not null then
        v_chosen := nullif(
            early_release_checked('EARLY_RELEASE (--early-release)', p_way), 'auto');
    end if;
    insert into schema_early_release as e (probed, probed_why, chosen, chosen_by)
    values (v_probed.o_way, v_probed.o_why, v_chosen,
        case when v_chosen is not null then 'deployment' end)
    on conflict (only_one) do update
    set probed = excluded.probed, probed_why = excluded.probed_why;
    update schema_early_release e
    set chosen = v_chosen, chosen_by = case when v_chosen is not null then 'deployment' end
    where v_chosen is not null or (p_way = 'auto' and e.chosen_by = 'deployment');
    select w.o_way, w.o_why into strict o_way, o_why from early_release_write() w;
end;
$$;
