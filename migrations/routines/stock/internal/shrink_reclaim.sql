-- Expires due holds of a sku, before stock_shrink breaks others. Returns the result of
-- checkout_reclaim, and the version to expect next: the given one plus one, if this call wrote the
-- stock level and no other call did. Otherwise the given one; if another call wrote, it is stale.
-- Call it in a transaction of its own. Locks: as checkout_reclaim.
create or replace function holdfast.stock_shrink_reclaim(
    p_shop text, p_sku text, p_expected_version bigint,
    out o_reclaimed integer, out o_expected_version bigint)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    o_reclaimed := checkout_reclaim(p_shop, row(array[p_sku], null, null)::reclaim);
    o_expected_version := p_expected_version;
    -- Each reclaimed checkout held this sku. So its stock level was written, once, and is locked.
    if o_reclaimed > 0 then
        select l.version into o_expected_version from stock_levels l
        where l.shop = p_shop and l.sku = p_sku and l.version = p_expected_version + 1;
        o_expected_version := coalesce(o_expected_version, p_expected_version);
    end if;
end;
$$;
