-- Claims due deliveries: up to p_limit of each subscriber of a shop, the longest waiting first. A
-- claim without a mark ends after two minutes. While a subscriber still has deliveries from before
-- it was enabled (outbox_purge gives them up), it gets none. Locks: the deliveries (SKIP LOCKED).
create or replace function holdfast.subscriber_claim(p_shop text, p_limit integer)
    returns table (o_name text, o_url text, o_topic text, o_subject text, o_message_id text,
        o_created_at timestamptz, o_body jsonb)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
begin
    return query
        with due as materialized (
            select s.url, d.* from subscribers s cross join lateral (
                select e.name, e.topic, e.subject from subscriber_deliveries e
                where e.shop = p_shop and e.name = s.name
                    and coalesce(e.delivered_at, e.given_up_at) is null
                    and e.next_try_at <= v_now
                order by e.next_try_at limit p_limit for no key update skip locked) d
            where s.shop = p_shop and s.disabled_at is null
                -- not "not exists": the planner could turn that into a join over all that waits
                and (
                    select o.created_at from subscriber_deliveries o
                    where o.shop = p_shop and o.name = s.name and o.delivered_at is null
                        and o.given_up_at is null and o.created_at < s.wants_from
                    order by o.created_at limit 1) is null),
        taken as (
            update subscriber_deliveries d
            set next_try_at = v_now + interval '2 minutes'
            from due
            where d.shop = p_shop and d.name = due.name and d.topic = due.topic
                and d.subject = due.subject
            returning d.name, due.url, d.topic, d.subject)
        select t.name, t.url, t.topic, t.subject,
            -- the same id as in the queue
            'msg_' || left(encode(sha256(convert_to(
                concat_ws(E'\n', p_shop, t.topic, t.subject), 'UTF8')), 'hex'), 32),
            b.created_at, b.body
        from taken t join outbox_messages b on b.shop = p_shop and b.topic = t.topic
            and b.subject = t.subject
        order by t.name, b.number;
end;
$$;
