-- One attempt of stock_shrink, in the caller's transaction. Outcomes beside those of stock_shrink:
-- `again` (another call was faster: roll back and call again) and, if p_reclaim, `reclaim` (holds
-- of the sku are due, and must expire before others are broken: roll back, call
-- stock_shrink_reclaim, call again). An `again` after the first write can't be committed
-- (must_roll_back).
--
-- The checkouts to break are chosen twice: without locks, to know which checkouts to lock; and
-- again under their locks, because the wait for them takes time. The second choice may be smaller.
-- If it contains other checkouts, the attempt starts again. A hold that is placed after the second
-- choice does no harm: it fits into the units that are left, or the update of the stock level finds
-- no row.
-- Locks: the checkouts in id order, then as checkout_give_back, this sku's stock level among the
-- others.
create or replace function holdfast.stock_shrink_attempt(
    p_shop text, p_sku text, p_missing integer, p_expected_version bigint, p_actor text,
    p_reference text, p_note text, p_movement_id uuid, p_dry_run boolean, p_reclaim boolean)
    returns holdfast.shrink_answer
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_answer shrink_answer;
    v_plan record;
    v_movement stock_movements%rowtype;
    v_locked uuid[];
    v_line record;
    v_level stock_levels%rowtype;
begin
    if p_missing is null or p_missing < 1 then
        raise exception using errcode = 'invalid_parameter_value',
            message = format('stock_shrink: p_missing must be 1 or more, got %s',
                coalesce(p_missing::text, 'null')),
            hint = 'Stock that turns up again is a stock_adjust.';
    end if;
    loop
        v_plan := stock_shrink_plan(p_shop, p_sku, p_missing, p_reclaim);
        v_answer.o_on_hand := v_plan.o_on_hand;
        v_answer.o_held := v_plan.o_held;
        v_answer.o_version := v_plan.o_version;
        -- Read after the counters: if an earlier try of this call changed them, its movement is
        -- visible here.
        select * into v_movement from stock_movements m
        where m.shop = p_shop and m.movement_id = p_movement_id and not p_dry_run;
        v_answer.o_outcome := case
            when v_answer.o_version is null then 'unknown_sku'
            when found and (v_movement.sku, v_movement.delta, v_movement.reason, v_movement.actor,
                    v_movement.reference, v_movement.note)
                is not distinct from (p_sku, -p_missing, 'missing', p_actor, p_reference, p_note)
                then 'same'
            when found then 'movement_conflict'
            when v_answer.o_version <> p_expected_version then 'stale'
            when v_answer.o_on_hand < p_missing then 'more_than_on_hand'
            -- one transaction and one answer can't take more
            when cardinality(v_plan.o_checkout_ids) > 10000 then 'too_many_holds'
            when p_dry_run then 'would_shrink'
            when v_plan.o_due > 0 then 'reclaim'
            when not v_plan.o_checkout_ids <@ v_locked then 'again'
        end;
        exit when v_answer.o_outcome is not null or v_locked is not null;
        v_locked := array(
            select c.checkout_id from checkouts c
            where c.shop = p_shop and c.checkout_id = any (v_plan.o_checkout_ids)
            order by c.checkout_id
            for no key update);
    end loop;

    if v_answer.o_outcome = 'would_shrink' then
        v_answer.o_on_hand := v_answer.o_on_hand - p_missing;
        v_answer.o_held := v_answer.o_held - v_plan.o_due - v_plan.o_units;
        v_answer.o_broken := v_plan.o_broken;
    elsif v_answer.o_outcome in ('same', 'movement_conflict') then
        v_answer.o_movement := movement_describe(v_movement);
        select s.broken into v_answer.o_broken from shrinkages s
        where s.shop = p_shop and s.sku = v_movement.sku and s.version = v_movement.version;
    elsif v_answer.o_outcome = 'stale' then
        select * into v_movement from stock_movements m
        where m.shop = p_shop and m.sku = p_sku order by m.version desc limit 1;
        if found then
            v_answer.o_movement := movement_describe(v_movement);
        end if;
    end if;
    if v_answer.o_outcome is not null then
        return v_answer;
    end if;
    if v_answer.o_held - v_plan.o_units > v_answer.o_on_hand - p_missing then
        raise exception using errcode = 'object_not_in_prerequisite_state',
            message = format('stock_shrink: %s/%s has holds that are due and can''t be expired',
                p_shop, p_sku),
            hint = 'holdfast.promises_check shows what is wrong with them.';
    end if;

    -- One write per stock level takes units out of `held` and `on_hand` together. Between two
    -- writes they would count as available, and be announced.
    for v_line in
        select b.sku, b.units, case b.sku when p_sku then p_missing else 0 end as missing
        from (
            select broken.sku, broken.units
            from checkout_break(p_shop, v_plan.o_checkout_ids, p_sku, 'missing', p_note) e,
                unnest(e.o_skus, e.o_units) broken (sku, units)
            union all
            select p_sku, 0 where v_plan.o_checkout_ids = '{}') b
        order by b.sku collate "C"
    loop
        update stock_levels l
        set on_hand = l.on_hand - v_line.missing, held = l.held - v_line.units,
            version = l.version + 1
        where l.shop = p_shop and l.sku = v_line.sku
            and l.held - v_line.units <= l.on_hand - v_line.missing
            and (v_line.sku <> p_sku or coalesce(l.version = p_expected_version, true))
        returning * into v_level;
        if not found then
            insert into must_roll_back (shop) values (p_shop);
            v_answer.o_outcome := 'again';
            return v_answer;
        end if;
        if v_line.sku = p_sku then
            v_answer.o_on_hand := v_level.on_hand;
            v_answer.o_held := v_level.held;
            v_answer.o_version := v_level.version;
        end if;
    end loop;
    insert into stock_movements (shop, sku, version, delta, on_hand_after, reason, actor, reference,
        note, movement_id)
    values (p_shop, p_sku, v_answer.o_version, -p_missing, v_answer.o_on_hand, 'missing', p_actor,
        p_reference, p_note, p_movement_id)
    on conflict do nothing
    returning * into v_movement;
    if not found then
        insert into must_roll_back (shop) values (p_shop);
        v_answer.o_outcome := 'again';
        return v_answer;
    end if;
    insert into shrinkages (shop, sku, version, broken)
    values (p_shop, p_sku, v_answer.o_version, v_plan.o_broken);
    v_answer.o_outcome := 'shrunk';
    v_answer.o_movement := movement_describe(v_movement);
    v_answer.o_broken := v_plan.o_broken;
    return v_answer;
end;
$$;
