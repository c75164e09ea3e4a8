-- Puts what is stored in schema_early_release into early_release_chosen. Answers it, and why. A
-- stored choice of the message that this server refuses, after a move, would refuse every sale: the
-- row lock takes its place, and the choice stays stored. A pause goes before every choice.
create or replace function holdfast.early_release_write(out o_way text, out o_why text)
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_choice schema_early_release;
    v_by text;
    v_refused text;
begin
    select * into strict v_choice from schema_early_release;
    v_by := case v_choice.chosen_by
        when 'person' then 'a person' when 'deployment' then 'this deployment' end;
    if v_choice.chosen = 'message' then
        v_refused := early_release_refused();
    end if;
    o_way := coalesce(v_choice.chosen, v_choice.probed);
    if v_choice.paused then
        o_way := 'off';
        o_why := 'shards move: `holdfast rebalance` turns it on again when they are moved';
    elsif v_refused is not null then
        o_way := 'row-lock';
        o_why := format('%s chose message, but the server refuses it: %s', v_by, v_refused);
    elsif v_choice.chosen is null then
        o_why := v_choice.probed_why;
    else
        o_why := v_by || ' chose it'
            || case when v_choice.chosen_by = 'person' then ' by early_release_choose' else '' end
            || case when v_choice.chosen <> v_choice.probed
                then format('; the probe says %s: %s', v_choice.probed, v_choice.probed_why)
                else '' end;
    end if;
    execute format('create or '
        'replace function holdfast.early_release_chosen() returns text '
        'language sql stable as %L', format('select %L::text', o_way));
end;
$$;
