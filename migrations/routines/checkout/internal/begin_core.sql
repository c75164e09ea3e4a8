-- The decision and the work of checkout_begin, in the caller's transaction. Locks: the checkout,
-- the customer's counts where something limits them, then the stock levels in the order of p_skus,
-- which must be sorted bytewise and merged (the caller does it once; here it is only checked).
-- Outcomes beside those of checkout_begin: `again` (somebody was faster: roll back and call again),
-- `reclaim` (short, but holds that are due stand in the way: roll back, reclaim them, call again).
-- `reclaim_customer` (one customer's limit is reached, but checkouts of theirs are due).
-- An `again` or a limit that comes after the first write can't be committed (refused_work).
--
-- Here stands only what nearly every hold is: a new checkout, and nothing in its way. Anything else
-- is left to checkout_replace_or_refuse before the first write. Plain statements, one per line of
-- the cart, because their plans are cached, and as few statements and expressions as can be: each
-- costs more in one of many sessions, whose caches are cold, than it looks. The hot row is updated
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
    v_price bigint;
    v_limit integer;
    v_other record;
begin
    <<usual>>
    begin
        o_server_time := clock_timestamp();
        -- Unlocked: a sold-out sku is refused without queueing on its row. "Is not false" is true
        -- of what is null: no end of the sale, no wish for a time.
        for i in 1 .. v_lines loop
            select k.price_minor, s.currency,
                o_server_time + coalesce(p_hold_s, s.hold_s_default) * interval '1 second',
                -- null where nothing limits one customer
                coalesce(v_limit, k.limit_per_customer, s.checkouts_per_customer_max)
            into v_price, o_currency, o_expires_at, v_limit
            from shops s
                join skus k on k.shop = s.shop
                join stock_levels l on l.shop = k.shop and l.sku = k.sku
            where s.shop = p_shop and k.sku = p_skus[i]
                and l.on_hand - l.held >= p_quantities[i]
                and k.retired_at is null
                and (k.sale_opens_at <= o_server_time) is not false
                and (k.sale_closes_at > o_server_time) is not false
                and (p_hold_s <= s.hold_s_max) is not false
                and (k.sku > p_skus[i - 1]) is not false;
            exit usual when not found;
            o_prices[i] := v_price;
        end loop;
        exit usual when o_prices is null;

        -- race(stock_never_oversold): read, nothing written
        insert into checkouts (
            shop, checkout_id, customer, revision, request_hash, expires_at, created_at)
        values (
            p_shop, p_checkout_id, p_customer, p_revision, p_request_hash, o_expires_at,
            o_server_time)
        on conflict do nothing;
        exit usual when not found;
        for i in 1 .. v_lines loop
            insert into holds (
                shop, checkout_id, take, sku, quantity, price_minor, expires_at, created_at)
            values (
                p_shop, p_checkout_id, 1, p_skus[i], p_quantities[i], o_prices[i], o_expires_at,
                o_server_time);
        end loop;
        o_status := 'open';
        if v_limit is not null then
            select t.o_outcome, t.o_refused_skus, t.o_refused_allowed
            into o_outcome, o_refused_skus, o_refused_available
            from limit_take(p_shop, p_checkout_id, 1) t;
            if o_outcome <> 'taken' then
                return;
            end if;
        end if;
        o_outcome := 'placed';
        for i in 1 .. v_lines loop
            update stock_levels l
            set held = l.held + p_quantities[i], version = l.version + 1
            where l.shop = p_shop and l.sku = p_skus[i]
                and l.on_hand - l.held >= p_quantities[i];  -- guard(stock_never_oversold)
            if not found then
                insert into refused_work (shop) values (p_shop);
                o_outcome := 'again';
                return;
            end if;
        end loop;
        return;
    end;

    v_other := checkout_replace_or_refuse(
        p_shop, p_checkout_id, p_customer, p_revision, p_request_hash, p_hold_s, p_skus,
        p_quantities);
    o_outcome := v_other.o_outcome;
    o_status := v_other.o_status;
    o_currency := v_other.o_currency;
    o_expires_at := v_other.o_expires_at;
    o_server_time := v_other.o_server_time;
    o_prices := v_other.o_prices;
    o_refused_skus := v_other.o_refused_skus;
    o_refused_available := v_other.o_refused_available;
end;
$$;
