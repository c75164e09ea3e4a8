-- Leases messages to a relay: for each of up to p_limit groups its oldest unsent message, and up to
-- 19 behind it; at most p_limit messages in all. p_groups: only these groups; null: any. A group
-- whose oldest message is leased to another relay, or waits for its next try, is skipped. So one
-- relay at a time sends a group, in order, and a message that can't be sent delays only its own
-- group. The caller makes p_claim_id; the same id again gets the same messages. Sorted by number.
-- Locks: the oldest message of each group (SKIP LOCKED), then those behind it, which no other relay
-- claims meanwhile.
--
-- Usually no message waits. The planner's statistics still say so when suddenly thousands wait. So
-- rows are looked up one at a time, in a subquery with a limit or by the primary key. There the
-- planner can't turn the look-up into a join over all waiting rows.
create or replace function holdfast.outbox_claim(
    p_shop text, p_groups text[], p_claim_id uuid, p_limit integer, p_lease interval)
    returns table (o_number bigint, o_group text, o_message_id text, o_topic text, o_subject text,
        o_created_at timestamptz, o_body jsonb)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_groups text[];
begin
    if p_groups is null then
        v_groups := array(
            select b.group_key from outbox_messages b
            where b.shop = p_shop and b.sent_at is null
                and (b.next_try_at is null or b.next_try_at <= v_now or b.claim_id = p_claim_id)
                and b.number = (
                    select e.number from outbox_messages e
                    where e.shop = p_shop and e.group_key = b.group_key and e.sent_at is null
                    order by e.number limit 1)
            order by b.created_at limit p_limit
            for no key update skip locked);
    else
        v_groups := array(
            select b.group_key
            from unnest(p_groups) g (group_key)
                cross join lateral (
                    select e.topic, e.subject from outbox_messages e
                    where e.shop = p_shop and e.group_key = g.group_key and e.sent_at is null
                    order by e.number limit 1) oldest
                join outbox_messages b on b.shop = p_shop and b.topic = oldest.topic
                    and b.subject = oldest.subject
            where coalesce(b.sent_at, 'infinity') = 'infinity'
                and (b.next_try_at is null or b.next_try_at <= v_now or b.claim_id = p_claim_id)
            limit p_limit
            for no key update of b skip locked);
    end if;
    return query
        with claimed as (
            update outbox_messages b set claim_id = p_claim_id, next_try_at = v_now + p_lease
            from (
                select n.topic, n.subject
                from unnest(v_groups) g (group_key) cross join lateral (
                    select e.topic, e.subject, e.number from outbox_messages e
                    where e.shop = p_shop and e.group_key = g.group_key and e.sent_at is null
                    order by e.number limit 20) n
                -- by number over all groups, so each group's share begins with its oldest message
                order by n.number limit p_limit) taken
            where b.shop = p_shop and b.topic = taken.topic and b.subject = taken.subject
                and coalesce(b.sent_at, 'infinity') = 'infinity'
            returning b.*)
        select c.number, c.group_key,
            -- the same for every try: topic and subject are the key
            'msg_' || left(encode(sha256(convert_to(
                concat_ws(E'\n', p_shop, c.topic, c.subject), 'UTF8')), 'hex'), 32),
            c.topic, c.subject, c.created_at, c.body
        from claimed c order by c.number;
end;
$$;
