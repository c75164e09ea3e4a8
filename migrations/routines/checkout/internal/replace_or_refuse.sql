-- The part of checkout_hold_cart for everything but a new checkout that nothing stops: a known
-- id, a cart that is refused, or another call that was faster. Outcomes and locks as there. A
-- refusal writes nothing, and locks nothing unless the id is known.
create or replace function holdfast.checkout_replace_or_refuse(
    p_shop text, p_checkout_id uuid, p_customer text, p_revision integer, p_request_hash bytea,
    p_hold_s integer, p_skus text[], p_quantities integer[], p_capped boolean,
    p_reclaim boolean) returns holdfast.checkout_answer
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_outcome text;
    v_now timestamptz := clock_timestamp();
    v_hold_s_max integer;
    v_units_max integer[];
    v_units bigint := 0;
    v_too_many text[];
    v_too_many_max integer[];
    v_available integer;
    v_on_sale boolean;
    v_unknown text[];
    v_not_on_sale text[];
    v_short text[];
    v_short_available integer[];
begin
    if cardinality(p_skus) = 0 then
        raise exception using errcode = 'invalid_parameter_value',
            message = 'checkout_begin: a cart has at least one line';
    end if;
    for i in 1 .. cardinality(p_skus) loop
        if p_skus[i] collate "C" <= p_skus[i - 1] collate "C" then
            raise exception using errcode = 'invalid_parameter_value',
                message = 'checkout_begin: the lines must be sorted by sku, bytewise, and merged';
        end if;
        if p_quantities[i] is null then
            raise exception using errcode = 'invalid_parameter_value',
                message = format('checkout_begin: line %s has no quantity', i);
        end if;
        select l.on_hand - l.held,
            k.retired_at is null and (k.sale_opens_at <= v_now) is not false
                and (k.sale_closes_at > v_now) is not false,
            s.hold_s_max, array[s.units_per_cart_max, s.units_per_line_max]
        into v_available, v_on_sale, v_hold_s_max, v_units_max
        from shops s
            join skus k on k.shop = s.shop
            join stock_levels l on l.shop = k.shop and l.sku = k.sku
        where s.shop = p_shop and k.sku = p_skus[i];
        if not found then
            v_unknown := v_unknown || p_skus[i];
            continue;
        end if;
        if not v_on_sale then
            v_not_on_sale := v_not_on_sale || p_skus[i];
        end if;
        v_units := v_units + p_quantities[i];
        if p_quantities[i] > v_units_max[2] then
            v_too_many := v_too_many || p_skus[i];
            v_too_many_max := v_too_many_max || v_units_max[2];
        end if;
        if v_available < p_quantities[i] then
            v_short := v_short || p_skus[i];
            v_short_available := v_short_available || v_available;
        end if;
    end loop;

    -- Only now, after reading the counters: this checkout itself may hold the missing units.
    perform from checkouts c where c.shop = p_shop and c.checkout_id = p_checkout_id;
    if found then
        return checkout_replace(
            p_shop, p_checkout_id, p_customer, p_revision, p_request_hash, p_hold_s, p_skus,
            p_quantities, p_capped, p_reclaim);
    end if;
    if v_unknown is not null then
        select s.hold_s_max into v_hold_s_max from shops s where s.shop = p_shop;
    end if;
    v_outcome := case
        when v_hold_s_max is null then 'unknown_shop'
        when p_hold_s > v_hold_s_max then 'hold_too_long'
        when v_unknown is not null then 'unknown_sku'
        when v_not_on_sale is not null then 'not_on_sale'
        when p_capped and (v_too_many is not null or v_units > v_units_max[1])
            then 'too_many_units'
        when v_short is null then 'again'
        else shortage_outcome(p_shop, v_short, v_short_available, v_now, p_reclaim)
    end;
    if v_outcome = 'too_many_units' then
        return row(v_outcome, null, null, null, null, null, v_too_many, v_too_many_max,
            v_units_max, null)::checkout_answer;
    end if;
    return row(v_outcome, null, null, null, null, null,
        coalesce(v_unknown, v_not_on_sale, v_short), v_short_available, null,
        case v_outcome when 'reclaim' then row(v_short, null, null)::reclaim end)::checkout_answer;
end;
$$;
