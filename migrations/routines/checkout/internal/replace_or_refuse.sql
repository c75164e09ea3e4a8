-- Begin, where something is in the way of a new checkout: its id is known already, or the cart
-- can't be had, or somebody was faster. Outcomes and locks as checkout_begin_core. A refusal writes
-- nothing, and locks nothing unless the id is known.
create or replace function holdfast.checkout_replace_or_refuse(
    p_shop text, p_checkout_id uuid, p_customer text, p_revision integer, p_request_hash bytea,
    p_hold_s integer, p_skus text[], p_quantities integer[],
    out o_outcome text, out o_status text, out o_currency text,
    out o_expires_at timestamptz, out o_server_time timestamptz, out o_prices bigint[],
    out o_refused_skus text[], out o_refused_available integer[])
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_hold_s_max integer;
    v_price bigint;
    v_available integer;
    v_on_sale boolean;
    v_unknown text[];
    v_not_on_sale text[];
    v_short text[];
    v_short_available integer[];
    v_known record;
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
        select k.price_minor, l.on_hand - l.held,
            k.retired_at is null and (k.sale_opens_at <= v_now) is not false
                and (k.sale_closes_at > v_now) is not false,
            s.currency, s.hold_s_max
        into v_price, v_available, v_on_sale, o_currency, v_hold_s_max
        from shops s
            join skus k on k.shop = s.shop
            join stock_levels l on l.shop = k.shop and l.sku = k.sku
        where s.shop = p_shop and k.sku = p_skus[i];
        if not found then
            v_unknown := v_unknown || p_skus[i];
            continue;
        end if;
        o_prices[i] := v_price;
        if not v_on_sale then
            v_not_on_sale := v_not_on_sale || p_skus[i];
        end if;
        if v_available < p_quantities[i] then
            v_short := v_short || p_skus[i];
            v_short_available := v_short_available || v_available;
        end if;
    end loop;

    -- only now, after the counters were read, is it sure whether what is short may be held by this
    -- very checkout
    perform from checkouts c where c.shop = p_shop and c.checkout_id = p_checkout_id;
    if found then
        v_known := checkout_replace(
            p_shop, p_checkout_id, p_customer, p_revision, p_request_hash, p_hold_s, p_skus,
            p_quantities);
        -- unknown again: purged in between
        o_outcome := case v_known.o_outcome when 'unknown' then 'again' else v_known.o_outcome end;
        o_status := v_known.o_status;
        o_expires_at := v_known.o_expires_at;
        o_server_time := v_known.o_server_time;
        o_prices := v_known.o_prices;
        o_refused_skus := v_known.o_refused_skus;
        o_refused_available := v_known.o_refused_available;
        return;
    end if;
    if v_unknown is not null then
        select s.hold_s_max into v_hold_s_max from shops s where s.shop = p_shop;
    end if;
    o_outcome := case
        when v_hold_s_max is null then 'unknown_shop'
        when p_hold_s > v_hold_s_max then 'hold_too_long'
        when v_unknown is not null then 'unknown_sku'
        when v_not_on_sale is not null then 'not_on_sale'
        when v_short is null then 'again'
        else shortage_verdict(p_shop, v_short, v_short_available, v_now)
    end;
    o_refused_skus := coalesce(v_unknown, v_not_on_sale, v_short);
    o_refused_available := v_short_available;
end;
$$;
