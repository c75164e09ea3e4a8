-- Enables a subscriber that was disabled at p_disabled_at, for announcements from now on. One that
-- is enabled, or was disabled again since, stays as it is: so a repeated call enables it once.
-- Returns the subscriber as subscriber_read does; null: unknown. Locks: the subscriber.
create or replace function holdfast.subscriber_enable(
    p_shop text, p_name text, p_disabled_at timestamptz)
returns jsonb
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
begin
    update subscribers s
    set disabled_at = null, disabled_why = null, wants_from = v_now
    where s.shop = p_shop and s.name = p_name and s.disabled_at = p_disabled_at;
    return subscriber_read(p_shop, p_name);
end;
$$;
