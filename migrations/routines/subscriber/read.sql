-- Reads a subscriber and the state of its deliveries, as the JSON of the HTTP contract. Null: there
-- is none. At most 10,000 waiting and 10,000 given up deliveries are counted, and the error is that
-- of the last 100 of them. Never reads the delivered ones. No locks.
create or replace function holdfast.subscriber_read(p_shop text, p_name text) returns jsonb
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    return (
        select jsonb_build_object('name', s.name, 'url', s.url, 'types', to_jsonb(s.topics),
            'created_at', s.created_at, 'disabled_at', s.disabled_at,
            'disabled_why', s.disabled_why,
            'waiting', (
                select count(*) from (
                    select from subscriber_deliveries e
                    where e.shop = p_shop and e.name = p_name and e.delivered_at is null
                        and e.given_up_at is null and e.created_at >= s.wants_from
                        and s.disabled_at is null
                    order by e.created_at limit 10000) w),
            'given_up', (
                select count(*) from (
                    select from subscriber_deliveries e
                    where e.shop = p_shop and e.name = p_name and e.given_up_at is not null
                    order by e.given_up_at desc limit 10000) g),
            'last_error', coalesce(
                (select w.last_error from (
                    select e.last_error, e.next_try_at from subscriber_deliveries e
                    where e.shop = p_shop and e.name = p_name
                        and coalesce(e.delivered_at, e.given_up_at) is null
                    order by e.next_try_at desc limit 100) w
                where w.last_error is not null order by w.next_try_at desc limit 1),
                (select g.last_error from (
                    select e.last_error, e.given_up_at from subscriber_deliveries e
                    where e.shop = p_shop and e.name = p_name and e.given_up_at is not null
                    order by e.given_up_at desc limit 100) g
                where g.last_error is not null order by g.given_up_at desc limit 1)))
        from subscribers s
        where s.shop = p_shop and s.name = p_name);
end;
$$;
