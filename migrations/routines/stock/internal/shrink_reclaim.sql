-- Expires holds of a sku that are due, before stock_shrink breaks any that is not. Returns what
-- checkout_reclaim does, and the version to go on with: the given one, plus the write that this
-- call made itself. Where anybody else wrote too, the given one, which is then stale. Call it in a
-- transaction of its own. Locks: as checkout_reclaim.
create or replace function holdfast.stock_shrink_reclaim(
    p_shop text, p_sku text, p_expected_version bigint,
    out o_reclaimed integer, out o_expected_version bigint)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    o_reclaimed := checkout_reclaim(p_shop, row(array[p_sku], null, null)::reclaim);
    o_expected_version := p_expected_version;
    -- Each reclaimed checkout held this sku, so its stock level was written, once, and is locked.
    if o_reclaimed > 0 then
        select l.version into o_expected_version from stock_levels l
        where l.shop = p_shop and l.sku = p_sku and l.version = p_expected_version + 1;
        o_expected_version := coalesce(o_expected_version, p_expected_version);
    end if;
end;
$$;
