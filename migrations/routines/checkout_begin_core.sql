-- The decision and the work of checkout_begin, in the caller's transaction. Locks: the checkout,
-- the customer's counts where something limits them, then the stock levels in the order of p_skus,
-- which must be sorted bytewise and merged (the caller does it once; here it is only checked).
-- Outcomes beside those of checkout_begin: `again` (somebody was faster: roll back and call again),
-- `reclaim` (short, but holds that are due stand in the way: roll back, reclaim them, call again).
-- `reclaim_customer` (one customer's limit is reached, but checkouts of theirs are due).
-- An `again` or a limit that comes after the first write can't be committed (refused_work).
--
-- What most calls are comes first and in the fewest statements: a new checkout, or a refusal. Plain
-- statements, one per line of the cart, because their plans are cached; the hot row is updated
-- last, so that its lock is held for the commit and nothing else.
create or replace function holdfast.checkout_begin_core(
    p_shop text, p_checkout_id uuid, p_customer text, p_revision integer, p_request_hash bytea,
    p_hold_s integer, p_skus text[], p_quantities integer[],
    out o_outcome text, out o_status text, out o_currency text,
    out o_expires_at timestamptz, out o_server_time timestamptz, out o_prices bigint[],
    out o_refused_skus text[], out o_refused_available integer[])
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_lines integer := cardinality(p_skus);
    v_now timestamptz := clock_timestamp();
    v_hold_s integer;
    v_hold_s_max integer;
    v_price bigint;
    v_available integer;
    v_on_sale boolean;
    v_unknown text[];
    v_not_on_sale text[];
    v_short text[];
    v_short_available integer[];
    v_known record;
    v_limit integer;
begin
    -- Unlocked: a sold-out sku is refused without queueing on its row.
    for i in 1 .. v_lines loop
        if i > 1 and p_skus[i] collate "C" <= p_skus[i - 1] collate "C" then
            raise exception using errcode = 'invalid_parameter_value',
                message = 'checkout_begin: the lines must be sorted by sku, bytewise, and merged';
        end if;
        select k.price_minor, l.on_hand - l.held,
            k.retired_at is null and coalesce(k.sale_opens_at <= v_now, true)
                and coalesce(k.sale_closes_at > v_now, true),
            s.currency, coalesce(p_hold_s, s.hold_s_default), s.hold_s_max,
            -- null where nothing limits one customer
            coalesce(v_limit, k.limit_per_customer, s.checkouts_per_customer_max)
        into v_price, v_available, v_on_sale, o_currency, v_hold_s, v_hold_s_max, v_limit
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

    if v_unknown is null and v_not_on_sale is null and v_short is null
        and v_hold_s <= v_hold_s_max
    then
        o_expires_at := v_now + make_interval(secs => v_hold_s);
        insert into checkouts (
            shop, checkout_id, customer, revision, request_hash, expires_at, created_at)
        values (
            p_shop, p_checkout_id, p_customer, p_revision, p_request_hash, o_expires_at, v_now)
        on conflict do nothing;
        if found then
            for i in 1 .. v_lines loop
                insert into holds (
                    shop, checkout_id, take, sku, quantity, price_minor, expires_at, created_at)
                values (
                    p_shop, p_checkout_id, 1, p_skus[i], p_quantities[i], o_prices[i],
                    o_expires_at, v_now);
            end loop;
            o_outcome := 'placed';
            o_status := 'open';
            o_server_time := v_now;
            if v_limit is not null then
                select t.o_outcome, t.o_refused_skus, t.o_refused_allowed
                into o_outcome, o_refused_skus, o_refused_available
                from limit_take(p_shop, p_checkout_id, 1) t;
                if o_outcome <> 'taken' then
                    return;
                end if;
                o_outcome := 'placed';
            end if;
            for i in 1 .. v_lines loop
                update stock_levels l
                set held = l.held + p_quantities[i], version = l.version + 1
                where l.shop = p_shop and l.sku = p_skus[i]
                    and l.on_hand - l.held >= p_quantities[i];
                if not found then
                    insert into refused_work (shop) values (p_shop);
                    o_outcome := 'again';
                    return;
                end if;
            end loop;
            return;
        end if;
    end if;

    -- The id is known, or the cart is refused; only now, after the counters were read, is it sure
    -- whether what is short may be held by this very checkout.
    v_known := checkout_replace(
        p_shop, p_checkout_id, p_customer, p_revision, p_request_hash, p_hold_s, p_skus,
        p_quantities);
    if v_known.o_outcome <> 'unknown' then
        o_outcome := v_known.o_outcome;
        o_status := v_known.o_status;
        o_expires_at := v_known.o_expires_at;
        o_server_time := v_known.o_server_time;
        o_prices := v_known.o_prices;
        o_refused_skus := v_known.o_refused_skus;
        o_refused_available := v_known.o_refused_available;
        return;
    end if;
    select coalesce(p_hold_s, s.hold_s_default), s.hold_s_max into v_hold_s, v_hold_s_max
    from shops s where s.shop = p_shop;
    o_outcome := case
        when not found then 'unknown_shop'
        when v_hold_s > v_hold_s_max then 'hold_too_long'
        when v_unknown is not null then 'unknown_sku'
        when v_not_on_sale is not null then 'not_on_sale'
        when v_short is null then 'again'
        else shortage_verdict(p_shop, v_short, v_short_available, v_now)
    end;
    o_refused_skus := coalesce(v_unknown, v_not_on_sale, v_short);
    o_refused_available := v_short_available;
end;
$$;
