-- The shops with a due delivery, sorted. Reads the head of one index per subscriber. No locks.
create or replace function holdfast.subscriber_waiting() returns setof text
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    return query
    select distinct s.shop from subscribers s
    where s.disabled_at is null and exists (
        select from subscriber_deliveries d
        where d.shop = s.shop and d.name = s.name
            and coalesce(d.delivered_at, d.given_up_at) is null
            and d.next_try_at <= clock_timestamp())
    order by s.shop;
end;
$$;
