-- The promises about the given payment events. No locks.
create or replace function holdfast.promises_events(
    p_shop text, p_subjects holdfast.promise_subject[])
    returns table (kind text, a text, b text, promise text, violation jsonb)
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return query
    with event as materialized (
        -- the capture that the event reports, and the subject of its announcements
        select e as is, e.gateway, e.kind, e.outcome,
            coalesce(e.gateway_payment_id, e.reference) as capture,
            e.gateway || ':' || coalesce(e.gateway_payment_id, e.reference) as subject
        from unnest(p_subjects) s
            join payment_events e on e.shop = p_shop and e.gateway = s.a and e.event_key = s.b
        where s.kind = 'event')
    select 'event', e.gateway, (e.is).event_key, 'no_payment_is_lost', to_jsonb(e.is) - 'payload'
    from event e
    where (case
        when e.outcome = 'review' then not exists (
            select from outbox_messages b
            where b.shop = p_shop and b.topic = 'payment.review'
                -- the range is for the index: a semicolon follows the colon
                and b.subject >= e.subject and b.subject < e.subject || ';'
                and starts_with(b.subject || ':', e.subject || ':'))
        when e.outcome in ('refund_due', 'excess') then not exists (
            select from outbox_messages b
            where b.shop = p_shop and b.topic = 'order.refund_due' and b.subject = e.subject)
        else false end)
        or e.kind = 'paid'
            and e.outcome in ('completed', 'completed_late', 'refund_due', 'excess', 'review')
            and not exists (
                select from payment_captures c
                where c.shop = p_shop and c.gateway = e.gateway
                    and c.gateway_payment_id = e.capture)
        -- After two hours its message has used up its tries. A person must find the order of the
        -- money, or dismiss the event (payment_event_dismiss). Events without money need no person.
        or e.outcome = 'parked' and e.kind = 'paid'
            and (e.is).received_at < now() - interval '2 hours';
end;
$$;
