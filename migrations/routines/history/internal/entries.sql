-- The entries of a timeline, from a history (history_describe). nth orders what has one time: a
-- cause before its effect. No locks.
create or replace function holdfast.history_entries(p_shop text, p_history jsonb)
    returns table (at timestamptz, nth integer, happened text, sku text, quantity integer,
        amount_minor bigint, currency text, gateway text, id text, status text, reason text,
        actor text, note text)
language sql stable set search_path = holdfast, pg_temp as $$
    with generations as (
        select h.generation, min(h.created_at) as at, max(h.resolved_at) as resolved_at,
            sum(h.quantity)::integer as units, max(h.status) as status,
            lag(max(h.status)) over (order by h.generation) as before
        from jsonb_to_recordset(p_history -> 'holds') h (generation integer, quantity integer,
            status text, created_at timestamptz, resolved_at timestamptz)
        group by h.generation)
    select (p_history #>> '{checkout,created_at}')::timestamptz, 1, 'checkout_begun', null::text,
        (select g.units from generations g where g.generation = 1), null::bigint, null::text,
        null::text, null::text, null::text, null::text, p_history #>> '{checkout,customer}',
        null::text
    union all
    select g.at, 2, case g.before when 'expired' then 'held_again' else 'cart_replaced' end, null,
        g.units, null, null, null, null, null, null, null, null
    from generations g where g.generation > 1
    union all
    select g.resolved_at, 9, 'hold_expired', null, g.units, null, null, null, null, null, null,
        null, null
    from generations g where g.status = 'expired'
    union all
    select (c ->> 'ended_at')::timestamptz, 9, 'checkout_released', null, null, null, null, null,
        null, null, null, null, null
    from (select p_history -> 'checkout') k (c)
    where c ->> 'status' = 'released' and p_history -> 'revocation' = 'null'
    union all
    select (r ->> 'revoked_at')::timestamptz, 9, 'checkout_revoked', null, null, null, null, null,
        null, null, null, r ->> 'actor', r ->> 'note'
    from (select p_history -> 'revocation') k (r) where r <> 'null'
    union all
    select (o ->> 'created_at')::timestamptz, 3,
        case when o ->> 'placed_by' is null then 'order_made' else 'order_booked' end, null, null,
        (o ->> 'total_minor')::bigint, o ->> 'currency', null, p_history #>> '{payment,reference}',
        null, o ->> 'coupon_code', o ->> 'placed_by', null
    from (select p_history -> 'order') k (o) where o <> 'null'
    union all
    select (o ->> 'paid_at')::timestamptz, 7, 'order_paid', null, null,
        (o ->> 'total_minor')::bigint, o ->> 'currency', null, null, null, null, null, null
    from (select p_history -> 'order') k (o) where o ->> 'paid_at' is not null
    union all
    select (p ->> 'accepted_at')::timestamptz, 6, 'money_accepted', null, null,
        (p ->> 'accepted_minor')::bigint, p ->> 'currency', null, null, null, null,
        p ->> 'accepted_by', p ->> 'accepted_note'
    from (select p_history -> 'payment') k (p) where p ->> 'accepted_at' is not null
    union all
    select e.received_at, 4, 'gateway_reported_' || e.kind, null, null, e.amount_minor, e.currency,
        e.gateway, coalesce(e.gateway_payment_id, e.event_key), e.outcome, null,
        coalesce(e.actor, e.retried_by), null
    from jsonb_to_recordset(p_history -> 'payment_events') e (received_at timestamptz, kind text,
        amount_minor bigint, currency text, gateway text, gateway_payment_id text,
        event_key text, outcome text, actor text, retried_by text)
    union all
    select c.captured_at, 5, 'money_captured', null, null, c.amount_minor, c.currency, c.gateway,
        c.gateway_payment_id, case when c.counts then 'counts' else 'does_not_count' end, null,
        null, null
    from jsonb_to_recordset(p_history -> 'captures') c (captured_at timestamptz,
        amount_minor bigint, currency text, gateway text, gateway_payment_id text, counts boolean)
    union all
    select case f.happened when 'refund_owed' then r.created_at
            when 'refund_settled' then r.settled_at else greatest(r.next_try_at, r.created_at) end,
        10, f.happened, null, null, r.amount_minor, r.currency, r.gateway, r.refund_id, r.status,
        r.reason, r.actor, case f.happened when 'refund_failed' then r.last_error else r.note end
    from jsonb_to_recordset(p_history -> 'refunds') r (refund_id text, amount_minor bigint,
            currency text, gateway text, reason text, status text, bounced boolean, void boolean,
            next_try_at timestamptz, created_at timestamptz, settled_at timestamptz,
            last_error text, actor text, note text)
        cross join lateral (
            select 'refund_owed' as happened
            union all select 'refund_settled' where r.settled_at is not null
            union all select 'refund_failed' where r.status = 'failed') f
    union all
    select case f.happened when 'dispute_opened' then d.opened_at else d.ended_at end, 11,
        f.happened, null, null, d.amount_minor, d.currency, d.gateway, d.dispute_id, d.status,
        d.stage, null, null
    from jsonb_to_recordset(p_history -> 'disputes') d (dispute_id text, amount_minor bigint,
            currency text, gateway text, stage text, status text, opened_at timestamptz,
            ended_at timestamptz)
        cross join lateral (
            select 'dispute_opened' as happened
            union all select 'dispute_' || d.status where d.ended_at is not null) f
    union all
    select m.created_at, 8, 'stock_' || m.reason, m.sku, m.delta, null, null, null, null, null,
        null, m.actor, m.note
    from jsonb_to_recordset(p_history -> 'stock_movements') m (created_at timestamptz, sku text,
        delta integer, reason text, actor text, note text)
    union all
    select b.created_at, 12, 'announced', null, null, null, null, null, b.topic,
        case when b.sent_at is null then 'waiting' else 'sent' end, null, null, null
    from jsonb_to_recordset(p_history -> 'outbox_messages') b (created_at timestamptz,
        topic text, sent_at timestamptz)
$$;
