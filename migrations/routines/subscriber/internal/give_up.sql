-- Gives up the oldest undelivered announcements of one subscriber that are older than p_before, at
-- most p_batch_max. Returns their number. The caller has locked the subscriber. One update for each
-- row, as in subscriber_mark. Locks: the deliveries.
create or replace function holdfast.subscriber_give_up(
    p_shop text, p_name text, p_before timestamptz, p_batch_max integer) returns integer
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_old record;
    v_given_up integer := 0;
    v_now timestamptz := clock_timestamp();
begin
    for v_old in
        select e.topic, e.subject from subscriber_deliveries e
        where e.shop = p_shop and e.name = p_name and e.delivered_at is null
            and e.given_up_at is null and e.created_at < p_before
        order by e.created_at limit p_batch_max
    loop
        update subscriber_deliveries d set given_up_at = v_now
        where d.shop = p_shop and d.name = p_name and d.topic = v_old.topic
            and d.subject = v_old.subject
            and coalesce(d.delivered_at, d.given_up_at, 'infinity') = 'infinity';
        v_given_up := v_given_up + case when found then 1 else 0 end;
    end loop;
    return v_given_up;
end;
$$;
