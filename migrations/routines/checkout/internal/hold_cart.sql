-- The work of checkout_begin_attempt, and of a booking at the desk, in the caller's transaction.
-- p_capped: the shop's most units of a cart and of a line bind, as for the storefront. No role may
-- call it, because it would lift that bound. Outcomes beside those of checkout_begin: `again`
-- (another call was faster: roll back and call again) and, if p_reclaim, `reclaim` (due holds or
-- checkouts are in the way: roll back, expire o_reclaim, call again). Without p_reclaim the refusal
-- is final. A refusal after the first write can't be committed (must_roll_back). Locks: the
-- checkout, the customer's counts if something limits them, then the stock levels in the order of
-- p_skus. The caller sorts p_skus bytewise and merges them; this routine only checks the order.
--
-- This function handles the usual case: a new checkout, and nothing in its way. Every other case
-- goes to checkout_replace_or_refuse before the first write. For speed:
-- - One plain statement for each line of the cart, because the plans of these statements are
--   cached.
-- - As few statements and expressions as possible, because each one is slow in a session with cold
--   caches.
-- - The hot row is updated last, so its lock is held during the commit only.
create or replace function holdfast.checkout_hold_cart(
    p_shop text, p_checkout_id uuid, p_customer text, p_revision integer, p_request_hash bytea,
    p_hold_s integer, p_skus text[], p_quantities integer[], p_capped boolean,
    p_reclaim boolean) returns holdfast.checkout_answer
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz;
    v_lines integer := cardinality(p_skus);
    v_price bigint;
    v_prices bigint[];
    v_currency text;
    v_expires_at timestamptz;
    v_limit integer;
    -- bigint: a wrong sum must meet the bound, not an overflow
    v_units bigint := 0;
    v_counted hold_answer;
begin
    -- Not checks of the table, which would be read anew for every statement (V0004).
    if length(p_customer) > 64 or octet_length(p_request_hash) > 64 then
        raise exception using errcode = 'check_violation',
            constraint = 'checkout_texts_are_short', table = 'checkouts', schema = 'holdfast',
            message = 'p_customer has at most 64 characters, p_request_hash at most 64 bytes';
    end if;
    <<usual>>
    begin
        v_now := clock_timestamp();
        -- Without a lock: a sold-out sku is refused without waiting for its row. "is not false"
        -- also accepts null: a sale without an end, a request without a time.
        for i in 1 .. v_lines loop
            v_units := v_units + p_quantities[i];
            select k.price_minor, s.currency,
                v_now + coalesce(p_hold_s, s.hold_s_default) * interval '1 second',
                -- null if nothing limits one customer
                coalesce(v_limit, k.limit_per_customer, s.checkouts_per_customer_max)
            into v_price, v_currency, v_expires_at, v_limit
            from shops s
                join skus k on k.shop = s.shop
                join stock_levels l on l.shop = k.shop and l.sku = k.sku
            where s.shop = p_shop and k.sku = p_skus[i]
                and l.on_hand - l.held >= p_quantities[i]
                and k.retired_at is null
                and (k.sale_opens_at <= v_now) is not false
                and (k.sale_closes_at > v_now) is not false
                and (p_hold_s <= s.hold_s_max) is not false
                and (k.sku > p_skus[i - 1]) is not false
                and (not p_capped or p_quantities[i] <= s.units_per_line_max
                    and v_units <= s.units_per_cart_max);
            exit usual when not found;
            v_prices[i] := v_price;
        end loop;
        exit usual when v_prices is null;
        -- race(stock_never_oversold): read, nothing written

        insert into checkouts (
            shop, checkout_id, customer, revision, request_hash, expires_at, created_at)
        values (
            p_shop, p_checkout_id, p_customer, p_revision, p_request_hash, v_expires_at, v_now)
        on conflict do nothing;
        exit usual when not found;
        for i in 1 .. v_lines loop
            insert into holds (
                shop, checkout_id, generation, sku, quantity, price_minor, expires_at, created_at)
            values (
                p_shop, p_checkout_id, 1, p_skus[i], p_quantities[i], v_prices[i], v_expires_at,
                v_now);
        end loop;
        if v_limit is not null then
            v_counted := limit_acquire(p_shop, p_checkout_id, 1, p_reclaim);
            if v_counted.o_outcome <> 'acquired' then
                return row(v_counted.o_outcome, null, null, null, null, null,
                    v_counted.o_refused_skus, v_counted.o_refused_available, null,
                    v_counted.o_reclaim)::checkout_answer;
            end if;
        end if;
        for i in 1 .. v_lines loop
            update stock_levels l
            set held = l.held + p_quantities[i], version = l.version + 1
            where l.shop = p_shop and l.sku = p_skus[i]
                and l.on_hand - l.held >= p_quantities[i];  -- guard(stock_never_oversold)
            if not found then
                insert into must_roll_back (shop) values (p_shop);
                return row('again', null, null, null, null, null, null, null, null, null)
                    ::checkout_answer;
            end if;
        end loop;
        return row('placed', 'open', v_currency, v_expires_at, v_now, v_prices, null, null, null,
            null)::checkout_answer;
    end;

    return checkout_replace_or_refuse(
        p_shop, p_checkout_id, p_customer, p_revision, p_request_hash, p_hold_s, p_skus,
        p_quantities, p_capped, p_reclaim);
end;
$$;
