-- The promises about stock levels, for the given skus. No locks.
create or replace function holdfast.promises_skus(
    p_shop text, p_subjects holdfast.promise_subject[])
    returns table (kind text, a text, b text, promise text, violation jsonb)
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return query
    with level as materialized (
        select l as is, held.units, last.on_hand_after
        from unnest(p_subjects) s
            join stock_levels l on l.shop = p_shop and l.sku = s.a
            cross join lateral (
                select coalesce(sum(h.quantity), 0) as units from holds h
                where h.shop = p_shop and h.sku = l.sku and h.status = 'active') held
            -- the sum of the ledger: promises_movements checks that each movement adds up
            left join lateral (
                select m.on_hand_after from stock_movements m
                where m.shop = p_shop and m.sku = l.sku
                order by m.version desc limit 1) last on true
        where s.kind = 'sku')
    select 'sku', (l.is).sku, '', 'never_oversold', to_jsonb(l.is)
    from level l
    where not (0 <= (l.is).held and (l.is).held <= (l.is).on_hand)
    union all
    select 'sku', (l.is).sku, '', 'held_equals_active_holds', jsonb_build_object(
        'sku', (l.is).sku, 'held', (l.is).held, 'active_holds', l.units)
    from level l
    where (l.is).held <> l.units
    union all
    select 'sku', (l.is).sku, '', 'on_hand_equals_movements', jsonb_build_object(
        'sku', (l.is).sku, 'on_hand', (l.is).on_hand, 'movements', l.on_hand_after)
    from level l
    where (l.is).on_hand <> coalesce(l.on_hand_after, 0);
end;
$$;
