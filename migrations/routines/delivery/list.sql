-- One page of the log of a subscriber, newest first: every announcement that it got or is to get,
-- with its body, its tries and its last error. Ended deliveries are deleted after 30 days. The page
-- begins after the row of the p_after_… parameters (null: at the newest). o_after is the page's
-- last row, if there may be more. o_found is false if there is no such subscriber. No locks.
create or replace function holdfast.delivery_list(
    p_shop text, p_name text, p_after_created_at timestamptz, p_after_type text,
    p_after_subject text, p_limit integer,
    out o_found boolean, out o_deliveries jsonb, out o_after jsonb)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_found jsonb[];
begin
    o_found := exists (select from subscribers s where s.shop = p_shop and s.name = p_name);
    select array_agg(jsonb_build_object(
            'message_id', 'msg_' || left(encode(sha256(convert_to(
                concat_ws(E'\n', p_shop, d.topic, d.subject), 'UTF8')), 'hex'), 32),
            'type', d.topic, 'subject', d.subject, 'data', b.body,
            'status', case when d.delivered_at is not null then 'delivered'
                when d.given_up_at is not null then 'given_up'
                when d.attempts > 0 then 'failed' else 'waiting' end,
            'attempts', d.attempts, 'created_at', d.created_at, 'delivered_at', d.delivered_at,
            'given_up_at', d.given_up_at,
            'next_try_at', case when coalesce(d.delivered_at, d.given_up_at) is null
                then d.next_try_at end,
            'last_error', d.last_error, 'resent_by', d.resent_by)
        order by d.created_at desc, d.topic desc, d.subject desc)
    into v_found
    from (
        select * from subscriber_deliveries d
        -- Only as the index has it: with shop and name beside it, a planner without statistics
        -- would read and sort all deliveries.
        where d.shop || '/' || d.name = p_shop || '/' || p_name
            and (d.created_at, d.topic, d.subject) < (
                coalesce(p_after_created_at, 'infinity'), coalesce(p_after_type, ''),
                coalesce(p_after_subject, ''))
        order by d.created_at desc, d.topic desc, d.subject desc
        limit p_limit) d
        left join lateral (
            select * from outbox_messages b
            where b.shop = p_shop and b.topic = d.topic and b.subject = d.subject limit 1) b
            on true;
    o_deliveries := to_jsonb(coalesce(v_found, '{}'));
    o_after := v_found[p_limit];
end;
$$;
