-- Reads a coupon, its terms and its uses, as the JSON of the HTTP contract. Null: there is none. No
-- locks.
create or replace function holdfast.coupon_read(p_shop text, p_code text) returns jsonb
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    return (
        select to_jsonb(c) - '{shop,changed_at}'::text[] from coupons c
        where c.shop = p_shop and c.code = p_code);
end;
$$;
