-- Deletes a subscriber and its waiting deliveries. Outcomes: deleted, not_found. Locks: the
-- subscriber, its deliveries.
create or replace function holdfast.subscriber_delete(p_shop text, p_name text) returns text
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    delete from subscribers s where s.shop = p_shop and s.name = p_name;
    return case when found then 'deleted' else 'not_found' end;
end;
$$;
