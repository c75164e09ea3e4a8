-- Claims due deliveries: up to p_limit of each subscriber of a shop, the longest waiting first. A
-- claim without a mark ends after two minutes. Locks: the deliveries (SKIP LOCKED).
create or replace function holdfast.subscriber_claim(p_shop text, p_limit integer)
    returns table (o_name text, o_url text, o_topic text, o_subject text, o_message_id text,
        o_created_at timestamptz, o_body jsonb)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    return query
        with due as (
            select s.url, d.* from subscribers s cross join lateral (
                select e.name, e.topic, e.subject from subscriber_deliveries e
                where e.shop = p_shop and e.name = s.name and e.delivered_at is null
                    and e.given_up_at is null and e.next_try_at <= clock_timestamp()
                order by e.next_try_at limit p_limit for no key update skip locked) d
            where s.shop = p_shop and s.disabled_at is null),
        taken as (
            update subscriber_deliveries d
            set next_try_at = clock_timestamp() + interval '2 minutes'
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
