-- Reads a subscriber and the state of its deliveries, as the JSON of the HTTP contract. Null: there
-- is none. Reads only its undelivered deliveries, by their indexes: the delivered ones may be a
-- hundred times as many. No locks.
create or replace function holdfast.subscriber_read(p_shop text, p_name text) returns jsonb
language sql stable security definer set search_path = holdfast, pg_temp as $$
    select jsonb_build_object('name', s.name, 'url', s.url, 'types', to_jsonb(s.topics),
        'created_at', s.created_at, 'disabled_at', s.disabled_at, 'disabled_why', s.disabled_why,
        'waiting', (
            select count(*) from subscriber_deliveries e
            where e.shop = p_shop and e.name = p_name and e.delivered_at is null
                and e.given_up_at is null),
        'given_up', (
            select count(*) from subscriber_deliveries e
            where e.shop = p_shop and e.name = p_name and e.given_up_at is not null),
        'last_error', coalesce(
            (select e.last_error from subscriber_deliveries e
            where e.shop = p_shop and e.name = p_name and e.delivered_at is null
                and e.given_up_at is null and e.last_error is not null
            order by e.next_try_at desc limit 1),
            (select e.last_error from subscriber_deliveries e
            where e.shop = p_shop and e.name = p_name and e.given_up_at is not null
                and e.last_error is not null
            order by e.given_up_at desc limit 1)))
    from subscribers s
    where s.shop = p_shop and s.name = p_name
$$;
