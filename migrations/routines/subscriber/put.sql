-- Sets a subscriber's URL and its topics (null: all). A disabled subscriber is enabled, for
-- announcements from now on. Outcomes: unknown_shop; too_many (a shop has at most 20); created;
-- changed. Locks: the subscriber.
create or replace function holdfast.subscriber_put(
    p_shop text, p_name text, p_url text, p_topics text[],
    out o_outcome text, out o_subscriber jsonb)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_known boolean;
begin
    update subscribers s
    set url = p_url, topics = p_topics, disabled_at = null, disabled_why = null,
        wants_from = case when s.disabled_at is null then s.wants_from else v_now end
    where s.shop = p_shop and s.name = p_name;
    if found then
        o_outcome := 'changed';
    elsif not exists (select from shops s where s.shop = p_shop) then
        o_outcome := 'unknown_shop';
    elsif (select count(*) from subscribers s where s.shop = p_shop) >= 20 then
        o_outcome := 'too_many';
    else
        o_outcome := 'created';
        v_known := exists (
            select from subscriber_deliveries d where d.shop = p_shop and d.name = p_name);
        insert into subscribers (shop, name, url, topics, created_at, wants_from)
        values (p_shop, p_name, p_url, p_topics, v_now,
            case when v_known then v_now else '0001-01-01 00:00:00+00' end)
        on conflict (shop, name) do update set url = excluded.url, topics = excluded.topics;
    end if;
    o_subscriber := subscriber_read(p_shop, p_name);
end;
$$;
