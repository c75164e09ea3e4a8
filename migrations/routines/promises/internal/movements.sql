-- The promises about the given stock movements. Each begins where the one before it ended, so the
-- last one has the sum of the ledger. Rejected: that sum, which costs more with every sale. No
-- locks.
create or replace function holdfast.promises_movements(
    p_shop text, p_subjects holdfast.promise_subject[])
    returns table (kind text, a text, b text, promise text, violation jsonb)
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return query
    with movement as materialized (
        select m as is, before.on_hand_after as before, l.sku is null as lost
        from unnest(p_subjects) s
            join stock_movements m
                on m.shop = p_shop and m.sku = s.a and m.version = s.b::bigint
            left join stock_levels l on l.shop = p_shop and l.sku = m.sku
            left join lateral (
                select p.on_hand_after from stock_movements p
                where p.shop = p_shop and p.sku = m.sku and p.version < m.version
                order by p.version desc limit 1) before on true
        where s.kind = 'movement')
    select 'movement', (m.is).sku, (m.is).version::text, 'on_hand_equals_movements',
        to_jsonb(m.is) || jsonb_build_object('on_hand_before', m.before)
    from movement m
    where m.lost or (m.is).on_hand_after <> coalesce(m.before, 0)::bigint + (m.is).delta
    union all
    -- a return without an order is a clerk's own entry
    select 'movement', (m.is).sku, (m.is).version::text, 'a_payment_changes_stock_once',
        to_jsonb(m.is)
    from movement m
    where (m.is).reason = 'sold'
        and not exists (
            select from payments p where p.shop = p_shop and p.reference = (m.is).reference);
end;
$$;
