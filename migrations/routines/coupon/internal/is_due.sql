-- Whether uses of this coupon are held by orders that are due: they are as good as given back.
-- Locks nothing.
create or replace function holdfast.coupon_is_due(p_shop text, p_code text) returns boolean
language plpgsql set search_path = holdfast, pg_temp as $$
begin
    return exists (
        select from orders o
            join checkouts c on c.shop = o.shop and c.checkout_id = o.checkout_id
        where o.shop = p_shop and o.coupon_code = p_code and o.coupon_use = 'held'
            and c.ended_at is null and c.expires_at <= clock_timestamp());
end;
$$;
