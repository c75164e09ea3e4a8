-- The outbox messages about any of these subjects, or about any event of this payment reference, as
-- a JSON array. The key begins with the topic. There are few topics, so each one is looked up
-- separately. No locks.
create or replace function holdfast.history_announcements(
    p_shop text, p_subjects text[], p_reference text, p_limit integer) returns jsonb
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return (
        with recursive topics as (
            (select b.topic from outbox_messages b where b.shop = p_shop order by b.topic limit 1)
            union all
            select (select b.topic from outbox_messages b
                where b.shop = p_shop and b.topic > t.topic order by b.topic limit 1)
            from topics t where t.topic is not null),
        subjects as (
            select s.subject from unnest(p_subjects) s (subject) where s.subject is not null
            union
            (select e.gateway || ':' || coalesce(e.gateway_payment_id, e.reference)
            from payment_events e
            where e.shop = p_shop and e.reference = p_reference limit p_limit))
        select coalesce(jsonb_agg(to_jsonb(f) order by f.created_at, f.topic), '[]')
        from (
            select b.* from topics t cross join subjects s
                -- each limit makes the planner look up one topic and subject by the key
                cross join lateral (
                    (select b.topic, b.subject, b.body, b.created_at, b.sent_at
                    from outbox_messages b
                    where b.shop = p_shop and b.topic = t.topic and b.subject = s.subject limit 1)
                    union all
                    -- repeated events of one subject have a number: <subject>:<number>
                    (select b.topic, b.subject, b.body, b.created_at, b.sent_at
                    from outbox_messages b
                    where b.shop = p_shop and b.topic = t.topic
                        and b.subject > s.subject || ':' and b.subject < s.subject || ';'
                    order by b.topic, b.subject limit p_limit)) b
            where t.topic is not null
            order by b.created_at desc limit p_limit) f);
end;
$$;
