-- A shop's subscribers (20 at most), sorted by name, with the state of their deliveries, as a JSON
-- array. No locks.
create or replace function holdfast.subscriber_list(p_shop text) returns jsonb
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_names text[];
begin
    v_names := array(select s.name from subscribers s where s.shop = p_shop order by s.name);
    return (
        select coalesce(jsonb_agg(subscriber_read(p_shop, s.name) order by s.nth), '[]')
        from unnest(v_names) with ordinality s (name, nth));
end;
$$;
