-- The shops with a due message, sorted. A relay asks once for all shops, and claims only from
-- these. p_shops: of these shops alone; null: of all. Reads the head of one index per shop. No
-- locks.
create or replace function holdfast.outbox_waiting(p_shops text[] default null) returns setof text
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    return query
    select s.shop from shops s
    where (p_shops is null or s.shop = any (p_shops)) and exists (
        select from outbox_messages b
        where b.shop = s.shop and (p_shops is null or b.shop = any (p_shops))
            and b.sent_at is null
            and (b.next_try_at is null or b.next_try_at <= clock_timestamp()))
    order by s.shop;
end;
$$;
