-- Whether due orders hold uses of this coupon. A reclaim would give these uses back. No locks.
create or replace function holdfast.coupon_has_due_uses(p_shop text, p_code text) returns boolean
language plpgsql set search_path = holdfast, pg_temp as $$
begin
    return exists (
        select from orders o
            join checkouts c on c.shop = o.shop and c.checkout_id = o.checkout_id
        where o.shop = p_shop and o.coupon_code = p_code and o.coupon_use = 'held'
            and c.ended_at is null and c.expires_at <= clock_timestamp());
end;
$$;
