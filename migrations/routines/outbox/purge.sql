-- Deletes messages of one shop that were sent more than p_older_than ago and are no longer needed:
-- stock crossings, and expired checkouts, which are as many as the shoppers. Messages about money
-- and to customers stay, because promises_check and the history look for them. Also deletes
-- subscribers' deliveries that ended that long ago. At most p_batch_max rows of each. Returns the
-- number of deleted rows. Locks: the deleted rows (SKIP LOCKED).
create or replace function holdfast.outbox_purge(p_shop text, p_older_than interval,
    p_batch_max integer) returns integer
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_purged integer;
    v_told integer;
begin
    if p_older_than < interval '1 day' then
        raise exception using errcode = 'invalid_parameter_value',
            message = 'outbox_purge: what was sent is kept for at least a day';
    end if;
    delete from outbox_messages b using (
        select d.topic, d.subject from outbox_messages d
        where d.shop = p_shop and d.sent_at < now() - p_older_than
            and d.topic in ('stock.low', 'stock.back', 'checkout.expired')
            and not exists (
                select from subscriber_deliveries s
                where s.shop = p_shop and s.topic = d.topic and s.subject = d.subject
                    and s.delivered_at is null and s.given_up_at is null)
        order by d.sent_at limit p_batch_max for update skip locked) old
    where b.shop = p_shop and b.topic = old.topic and b.subject = old.subject;
    get diagnostics v_purged = row_count;
    delete from subscriber_deliveries s using (
        select d.name, d.topic, d.subject from subscriber_deliveries d
        where d.shop = p_shop and coalesce(d.delivered_at, d.given_up_at) < now() - p_older_than
        order by coalesce(d.delivered_at, d.given_up_at)
        limit p_batch_max for update skip locked) old
    where s.shop = p_shop and s.name = old.name and s.topic = old.topic
        and s.subject = old.subject;
    get diagnostics v_told = row_count;
    return v_purged + v_told;
end;
$$;
