-- One step of a pass over a staged import: its next chunk, in one transaction. A pass is a dry run
-- (p_dry_run: every row is judged, nothing changes) or the application. The caller repeats the call
-- until o_status is no longer `trying` or `applying`.
-- Modes: good_rows_only skips refused rows. all_or_nothing takes the whole import in one step, of
-- at most p_all_rows_max rows, and changes nothing if a row is refused. p_parts is the number of
-- parts of the file, so a lost part is noticed before anything changes.
-- Outcomes, in order of precedence: unknown_import; closed (it is being applied in another mode, or
-- it is done and this call asks for something else); incomplete (o_next_part is missing);
-- too_large; judged. A finished application answers the same again; a finished dry run starts over.
-- Locks: the import; then as import_write.
create or replace function holdfast.import_apply(
    p_shop text, p_import_id uuid, p_parts integer, p_mode text, p_dry_run boolean, p_actor text,
    p_all_rows_max integer,
    out o_outcome text, out o_status text, out o_rows integer, out o_next_part integer,
    out o_created integer, out o_changed integer, out o_unchanged integer, out o_refused integer)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_import imports%rowtype;
begin
    select * into v_import from imports i
    where i.shop = p_shop and i.import_id = p_import_id for update;
    o_outcome := case
        when not found then 'unknown_import'
        when v_import.status in ('applying', 'done', 'rejected')
            and (p_dry_run or v_import.mode <> p_mode) then 'closed'
        else 'judged'
    end;
    select coalesce(sum(p.row_count), 0) into o_rows
    from import_parts p where p.shop = p_shop and p.import_id = p_import_id;
    o_next_part := import_next_part(p_shop, p_import_id);
    if o_outcome = 'judged' and v_import.ended_at is null then
        o_outcome := case
            when o_next_part <> p_parts + 1 then 'incomplete'
            when p_mode = 'all_or_nothing' and o_rows > p_all_rows_max then 'too_large'
            else 'judged'
        end;
        if o_outcome = 'judged' then
            v_import := import_step(v_import, p_mode, p_dry_run, p_actor);
        end if;
    end if;
    o_status := v_import.status;
    o_created := v_import.created;
    o_changed := v_import.changed;
    o_unchanged := v_import.unchanged;
    o_refused := v_import.refused;
end;
$$;
