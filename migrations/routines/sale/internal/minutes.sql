-- The minutes of a sale (sale_read), from p_from until p_now, as a JSON array, oldest first; and
-- the first minute for which every number is whole, because at most p_scan rows of each source are
-- read. A checkout that began in these minutes is either open, or has ended in them: two indexes
-- find it. No locks.
create or replace function holdfast.sale_minutes(
    p_shop text, p_from timestamptz, p_now timestamptz, p_scan integer,
    out o_minutes jsonb, out o_complete_from timestamptz)
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    with open as materialized (
        select c.created_at, c.expires_at as by from checkouts c
        where c.shop = p_shop and c.ended_at is null
        order by c.expires_at desc limit p_scan),
    ended as materialized (
        select c.created_at, c.ended_at as by from checkouts c
        where c.shop = p_shop and c.ended_at is not null and c.ended_at >= p_from
        order by c.ended_at desc limit p_scan),
    moved as materialized (
        select m.created_at, m.created_at as by, m.reason, m.delta from stock_movements m
        where m.shop = p_shop and m.created_at >= p_from
        order by m.created_at desc, m.sku desc, m.version desc limit p_scan),
    paid as materialized (
        select e.resolved_at as created_at, e.resolved_at as by, e.kind, e.outcome
        from payment_events e
        where e.shop = p_shop and e.resolved_at is not null and e.resolved_at >= p_from
        order by e.resolved_at desc limit p_scan),
    -- where a source stopped early, older numbers are too small
    stopped as (
        select max(s.by) as at from (
            select min(p_now) as by from open having count(*) >= p_scan
            union all select min(e.by) from ended e having count(*) >= p_scan
            union all select min(m.by) from moved m having count(*) >= p_scan
            union all select min(p.by) from paid p having count(*) >= p_scan) s),
    happened as (
        select c.created_at, 1 as grants, 0 as sold, 0 as payments, 0 as late
        from (select * from open union all select * from ended) c
        where c.created_at >= p_from
        union all
        select m.created_at, 0, -m.delta, 0, 0 from moved m where m.reason = 'sold'
        union all
        select p.created_at, 0, 0, 1,
            case when p.outcome in ('completed_late', 'refund_due') then 1 else 0 end
        from paid p where p.kind = 'paid'
            and p.outcome in ('completed', 'completed_late', 'refund_due', 'review', 'excess'))
    select jsonb_agg(jsonb_build_object('at', m.at, 'grants', coalesce(n.grants, 0),
            'sold', coalesce(n.sold, 0), 'payments', coalesce(n.payments, 0),
            'late_payments', coalesce(n.late, 0)) order by m.at),
        (select coalesce(date_trunc('minute', s.at) + interval '1 minute', p_from) from stopped s)
    into o_minutes, o_complete_from
    from generate_series(p_from, p_now, interval '1 minute') m (at)
        left join (
            select date_trunc('minute', h.created_at) as at, sum(h.grants) as grants,
                sum(h.sold) as sold, sum(h.payments) as payments, sum(h.late) as late
            from happened h group by 1) n on n.at = m.at;
end;
$$;
