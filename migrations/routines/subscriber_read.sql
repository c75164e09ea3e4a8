-- Reads a subscriber and how its deliveries stand, as the JSON of the HTTP contract. Null: there is
-- none. No locks.
create or replace function holdfast.subscriber_read(p_shop text, p_name text) returns jsonb
language sql stable security definer set search_path = holdfast, pg_temp as $$
    select jsonb_build_object('name', s.name, 'url', s.url, 'types', to_jsonb(s.topics),
        'created_at', s.created_at, 'disabled_at', s.disabled_at, 'disabled_why', s.disabled_why,
        'waiting', d.waiting, 'given_up', d.given_up, 'last_error', (
            select e.last_error from subscriber_deliveries e
            where e.shop = p_shop and e.name = p_name and e.last_error is not null
                and e.delivered_at is null
            order by e.next_try_at desc limit 1))
    from subscribers s, (
        select count(*) filter (where e.given_up_at is null) as waiting,
            count(e.given_up_at) as given_up
        from subscriber_deliveries e
        where e.shop = p_shop and e.name = p_name and e.delivered_at is null) d
    where s.shop = p_shop and s.name = p_name
$$;
