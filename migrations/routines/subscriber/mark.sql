-- Records the results of deliveries to one subscriber. p_results:
-- - `delivered`;
-- - `failed`, with its error: tried again after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and
--   24 h, then given up. 1,000 deliveries that have waited for four days are given up with it,
--   tried or not: a run makes one failing try, and many may wait behind it;
-- - `gone`: the subscriber wants no more. It is disabled, and 1,000 of its deliveries are given up;
--   outbox_purge gives up the others;
-- - `untried`: free at once.
-- Locks: the subscriber, so that two calls do not deadlock on its deliveries; then these.
create or replace function holdfast.subscriber_mark(
    p_shop text, p_name text, p_topics text[], p_subjects text[], p_results text[],
    p_errors text[]) returns void
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_result record;
    v_now timestamptz := clock_timestamp();
    v_attempts integer;
    v_failed boolean;
    v_next_try_at timestamptz;
    v_error text;
    v_pauses interval[] := '{5s,5min,30min,2h,5h,10h,14h,20h,24h}';
begin
    perform from subscribers s where s.shop = p_shop and s.name = p_name
        for no key update;  -- guard(marks_never_deadlock)
    -- One update for each row: for a join with the arrays, a planner without statistics reads all
    -- deliveries of the subscriber. coalesce: by the primary key (outbox_claim).
    for v_result in
        select * from unnest(p_topics, p_subjects, p_results, p_errors)
            r (topic, subject, result, error)
    loop
        -- locked: another try that a person asks for begins to count anew
        select d.attempts into v_attempts from subscriber_deliveries d
        where d.shop = p_shop and d.name = p_name and d.topic = v_result.topic
            and d.subject = v_result.subject
        for no key update;
        v_failed := v_result.result = 'failed';
        v_next_try_at := v_now
            + case when v_failed then coalesce(v_pauses[v_attempts + 1], '0s') else '0s' end;
        v_error := left(v_result.error, 1000);
        update subscriber_deliveries d
        set attempts = d.attempts + case when v_result.result = 'untried' then 0 else 1 end,
            delivered_at = case when v_result.result = 'delivered' then v_now end,
            given_up_at = case
                when v_failed and d.attempts >= cardinality(v_pauses) then v_now end,
            next_try_at = v_next_try_at, last_error = coalesce(v_error, d.last_error)
        where d.shop = p_shop and d.name = p_name and d.topic = v_result.topic
            and d.subject = v_result.subject
            and coalesce(d.delivered_at, d.given_up_at, 'infinity') = 'infinity';
    end loop;
    if 'failed' = any (p_results) then
        perform subscriber_give_up(p_shop, p_name, v_now - interval '4 days', 1000);
    end if;
    if 'gone' = any (p_results) then
        perform subscriber_give_up(p_shop, p_name, 'infinity', 1000);
        update subscribers s set disabled_at = v_now, disabled_why = 'it answered 410 Gone'
        where s.shop = p_shop and s.name = p_name;
    end if;
end;
$$;
