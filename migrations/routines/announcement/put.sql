-- Sets which optional announcements a shop wants. Outcomes: put; unknown_shop. Locks: the shop's
-- row of announcements.
create or replace function holdfast.announcement_put(
    p_shop text, p_checkout_expired boolean, out o_outcome text, out o_announcements jsonb)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    insert into announcements as a (shop, checkout_expired)
    select s.shop, p_checkout_expired from shops s where s.shop = p_shop
    on conflict (shop) do update set checkout_expired = excluded.checkout_expired;
    o_outcome := case when found then 'put' else 'unknown_shop' end;
    o_announcements := announcement_read(p_shop);
end;
$$;
