-- Creates a coupon, or replaces its terms; a term that is left out gets its default. Uses that are
-- held or consumed stay counted. p_value: basis points of a percent coupon, minor units of a fixed
-- one. p_uses_max and p_uses_per_customer_max null: unlimited. p_skus null: for every sku.
-- Outcomes: created; changed; unchanged; below_used (more uses are held and consumed than
-- p_uses_max: nothing changed); with the coupon. Locks: the coupon.
create or replace function holdfast.coupon_put(
    p_shop text, p_code text, p_kind text, p_value bigint, p_minimum_minor bigint,
    p_valid_from timestamptz, p_valid_until timestamptz, p_uses_max integer,
    p_uses_per_customer_max integer default null, p_skus text[] default null,
    out o_outcome text, out o_coupon jsonb)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_used bigint;
    v_now timestamptz;
begin
    insert into coupons (shop, code, kind, value, minimum_minor, valid_from, valid_until, uses_max,
        uses_per_customer_max, skus)
    values (p_shop, p_code, p_kind, p_value, p_minimum_minor, p_valid_from, p_valid_until,
        p_uses_max, p_uses_per_customer_max, p_skus)
    on conflict (shop, code) do nothing;
    o_outcome := case when found then 'created' else 'unchanged' end;
    if o_outcome = 'unchanged' then
        select c.uses_held + c.uses_consumed into v_used from coupons c
        where c.shop = p_shop and c.code = p_code for no key update;
        if v_used > p_uses_max then
            o_outcome := 'below_used';
        else
            v_now := clock_timestamp();
            update coupons c
            set kind = p_kind, value = p_value, minimum_minor = p_minimum_minor,
                valid_from = p_valid_from, valid_until = p_valid_until, uses_max = p_uses_max,
                uses_per_customer_max = p_uses_per_customer_max, skus = p_skus,
                changed_at = v_now
            where c.shop = p_shop and c.code = p_code
                and (c.kind, c.value, c.minimum_minor, c.valid_from, c.valid_until, c.uses_max,
                        c.uses_per_customer_max, c.skus)
                    is distinct from (p_kind, p_value, p_minimum_minor, p_valid_from,
                        p_valid_until, p_uses_max, p_uses_per_customer_max, p_skus);
            o_outcome := case when found then 'changed' else 'unchanged' end;
        end if;
    end if;
    o_coupon := coupon_read(p_shop, p_code);
end;
$$;
