-- What waits for a person or is late in one shop, as JSON. Ages are in seconds, 0 where nothing
-- waits. Counts stop at 1,000. Reads the heads of partial indexes. Null: there is no such shop. No
-- locks.
create or replace function holdfast.health_read(p_shop text) returns jsonb
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
begin
    return (
        select jsonb_build_object(
            'due_s', age.due,
            'unsent_s', age.unsent,
            'parked', parked.events,
            'parked_s', coalesce(extract(epoch from v_now - parked.since)::bigint, 0),
            'refunds_failed', (
                select count(*) from (
                    select from refunds r
                    where r.shop = p_shop and r.status = 'failed' and not r.void
                    order by r.created_at, r.refund_id limit 1000) f),
            'refunds_owed_s', age.owed,
            'refunds_pending_s', age.pending,
            'subscribers_disabled', (
                select count(*) from subscribers s
                where s.shop = p_shop and s.disabled_at is not null),
            'deliveries_waiting_s', age.delivery,
            'deliveries_given_up', (
                select count(*) from subscribers s cross join lateral (
                    select from subscriber_deliveries e
                    where e.shop = p_shop and e.name = s.name
                        and e.given_up_at > v_now - interval '1 day' limit 1000) d
                where s.shop = p_shop),
            'breaches', (
                select count(*) from (
                    select from promise_breaches b where b.shop = p_shop limit 1000) b),
            'checked_at', (
                select l.checked_at from promise_laps l
                where l.shop = p_shop and l.lap = 'changed'),
            'server_time', v_now)
        from shops shop
            cross join lateral (
                select count(*) as events, min(e.received_at) as since
                from (
                    select e.received_at from payment_events e
                    where e.shop = p_shop and e.outcome = 'parked' and e.kind = 'paid'
                    order by e.received_at limit 1000) e) parked
            cross join lateral (
                select greatest(coalesce(extract(epoch from v_now - due.at), 0), 0)::bigint as due,
                    coalesce(extract(epoch from v_now - unsent.at), 0)::bigint as unsent,
                    coalesce(extract(epoch from v_now - owed.at), 0)::bigint as owed,
                    coalesce(extract(epoch from v_now - pending.at), 0)::bigint as pending,
                    coalesce(extract(epoch from v_now - delivery.at), 0)::bigint as delivery
                from (select (
                        select c.expires_at from checkouts c
                        where c.shop = p_shop and c.ended_at is null
                        order by c.expires_at limit 1) as at) due,
                    (select (
                        select b.created_at from outbox_messages b
                        where b.shop = p_shop and b.sent_at is null
                        order by b.created_at limit 1) as at) unsent,
                    (select (
                        select r.created_at from refunds r
                        where r.shop = p_shop and r.status in ('owed', 'sending') and not r.void
                        order by r.created_at limit 1) as at) owed,
                    (select (
                        select r.created_at from refunds r
                        where r.shop = p_shop and r.status = 'pending' and not r.void
                        order by r.created_at limit 1) as at) pending,
                    (select min(w.created_at) as at
                    from subscribers s cross join lateral (
                        select e.created_at from subscriber_deliveries e
                        where e.shop = p_shop and e.name = s.name and e.delivered_at is null
                            and e.given_up_at is null and e.created_at >= s.wants_from
                        order by e.created_at limit 1) w
                    where s.shop = p_shop and s.disabled_at is null) delivery) age
        where shop.shop = p_shop);
end;
$$;
