-- The optional announcements that a shop wants, as the JSON of the HTTP contract. Null: there is no
-- such shop. No locks.
create or replace function holdfast.announcement_read(p_shop text) returns jsonb
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    return (
        select jsonb_build_object('checkout_expired', coalesce(a.checkout_expired, false))
        from shops s left join announcements a on a.shop = s.shop
        where s.shop = p_shop);
end;
$$;
