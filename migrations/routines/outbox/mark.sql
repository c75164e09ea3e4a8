-- Records the results of claimed messages, by topic and subject. p_results: `sent`; `refused` (with
-- its error: tried again after a pause that doubles up to an hour, and its group waits); `untried`
-- (free for the next relay). A sent message is marked even if its lease is over and another relay
-- has it now. The others are marked only if the claim still holds. Returns the number of messages
-- marked as sent. Locks: those messages.
create or replace function holdfast.outbox_mark(
    p_shop text, p_claim_id uuid, p_topics text[], p_subjects text[], p_results text[],
    p_errors text[]) returns integer
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_sent integer;
    -- when to try again, by the number of tries so far: the pause doubles up to an hour
    v_retries timestamptz[] := array(
        select v_now + least(interval '5 seconds' * 2 ^ n, interval '1 hour')
        from generate_series(0, 10) n order by n);
    v_errors text[] := array(
        select left(e.error, 1000) from unnest(p_errors) with ordinality e (error, nth)
        order by e.nth);
begin
    -- coalesce, as in outbox_claim: a look-up by the primary key, not over all waiting rows
    update outbox_messages b
    set sent_at = v_now, claim_id = null, next_try_at = null, last_error = null
    from unnest(p_topics, p_subjects, p_results) r (topic, subject, result)
    where r.result = 'sent' and b.shop = p_shop and b.topic = r.topic and b.subject = r.subject
        and coalesce(b.sent_at, 'infinity') = 'infinity';
    get diagnostics v_sent = row_count;
    update outbox_messages b
    set claim_id = null,
        attempts = b.attempts + case when r.result = 'refused' then 1 else 0 end,
        last_error = case when r.result = 'refused' then r.error else b.last_error end,
        next_try_at = case when r.result = 'refused' then v_retries[least(b.attempts, 10) + 1] end
    from unnest(p_topics, p_subjects, p_results, v_errors) r (topic, subject, result, error)
    where r.result <> 'sent' and b.shop = p_shop and b.topic = r.topic and b.subject = r.subject
        and coalesce(b.sent_at, 'infinity') = 'infinity' and b.claim_id = p_claim_id;
    return v_sent;
end;
$$;
