-- One page of a shop's coupons, sorted by code: those after p_after (null: from the first), at most
-- p_limit, as a JSON array. No locks.
create or replace function holdfast.coupon_list(p_shop text, p_after text, p_limit integer)
    returns jsonb
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    return (
        select coalesce(jsonb_agg(to_jsonb(page) - '{shop,changed_at}'::text[]
                order by page.code), '[]')
        from (
            select * from coupons c where c.shop = p_shop and c.code > coalesce(p_after, '')
            order by c.code limit p_limit) page);
end;
$$;
