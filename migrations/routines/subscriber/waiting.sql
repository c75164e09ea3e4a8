-- The shops with a due delivery, sorted. p_shops: of these shops alone; null: of all. Reads the
-- head of one index per subscriber. No locks.
create or replace function holdfast.subscriber_waiting(p_shops text[] default null)
    returns setof text
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    return query
    select distinct s.shop from subscribers s
    where (p_shops is null or s.shop = any (p_shops)) and s.disabled_at is null and exists (
        select from subscriber_deliveries d
        where d.shop = s.shop and (p_shops is null or d.shop = any (p_shops))
            and d.name = s.name and coalesce(d.delivered_at, d.given_up_at) is null
            and d.next_try_at <= clock_timestamp())
    order by s.shop;
end;
$$;
