-- Creates a coupon, or changes its terms; uses that are held or consumed stay counted. p_value:
-- basis points of a percent coupon, minor units of a fixed one. p_uses_max null: as often as one
-- likes.
create or replace function holdfast.coupon_put(
    p_shop text, p_code text, p_kind text, p_value bigint, p_minimum_minor bigint,
    p_valid_from timestamptz, p_valid_until timestamptz, p_uses_max integer) returns void
language sql set search_path = holdfast, pg_temp as $$
    insert into coupons (shop, code, kind, value, minimum_minor, valid_from, valid_until, uses_max)
    values (p_shop, p_code, p_kind, p_value, p_minimum_minor, p_valid_from, p_valid_until,
        p_uses_max)
    on conflict (shop, code) do update
    set kind = excluded.kind, value = excluded.value, minimum_minor = excluded.minimum_minor,
        valid_from = excluded.valid_from, valid_until = excluded.valid_until,
            uses_max = excluded.uses_max
$$;
