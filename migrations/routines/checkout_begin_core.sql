-- The decision and the work of checkout_begin, in the caller's transaction. Locks: the checkout, then the stock levels in
-- the order of p_skus, which must be sorted bytewise and merged (the caller does it once; here it is only checked).
-- Outcomes beside those of checkout_begin: `again` (somebody was faster: roll back and call again), `reclaim` (short, but
-- holds that are due stand in the way: roll back, reclaim them, call again).
--
-- Plain statements, one per line of the cart, because their plans are cached; the hot row is updated last, so that its lock
-- is held for the commit and nothing else.
create or replace function holdfast.checkout_begin_core(
    p_shop text, p_checkout_id uuid, p_customer text, p_revision integer, p_request_hash bytea,
    p_hold_s integer, p_skus text[], p_quantities integer[],
    out o_outcome text, out o_status text, out o_currency text,
    out o_expires_at timestamptz, out o_server_time timestamptz, out o_prices bigint[],
    out o_refused_skus text[], out o_refused_available integer[])
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_lines integer := cardinality(p_skus);
    v_now timestamptz;
    v_hold_s integer;
    v_hold_s_max integer;
    v_known boolean;
    v_customer text;
    v_revision integer;
    v_take integer := 1;
    v_request_hash bytea;
    v_price bigint;
    v_available integer;
    v_on_sale boolean;
    v_own integer := 0;
    v_unknown text[] := '{}';
    v_not_on_sale text[] := '{}';
    v_line record;
begin
    select s.currency, coalesce(p_hold_s, s.hold_s_default), s.hold_s_max
    into o_currency, v_hold_s, v_hold_s_max
    from shops s where s.shop = p_shop;
    if not found then
        o_outcome := 'unknown_shop';
        return;
    end if;

    select c.customer, c.status, c.revision, c.take, c.request_hash, c.expires_at
    into v_customer, o_status, v_revision, v_take, v_request_hash, o_expires_at
    from checkouts c where c.shop = p_shop and c.checkout_id = p_checkout_id
    for no key update;
    v_known := found;
    v_now := clock_timestamp();
    o_server_time := v_now;

    if v_known then
        if o_status = 'open' and o_expires_at <= v_now then
            o_status := 'expired';
        end if;
        o_outcome := case
            when v_customer <> p_customer then 'checkout_conflict'
            when p_revision < v_revision then 'stale_revision'
            when p_revision = v_revision and p_request_hash <> v_request_hash then 'checkout_conflict'
            when o_status in ('released', 'expired') then 'checkout_ended'
            when p_revision = v_revision then 'same'
            when o_status = 'ordered' then 'checkout_ordered'
            when o_status = 'paid' then 'checkout_ended'
        end;
        if o_outcome = 'same' then
            o_prices := array(
                select h.price_minor from holds h
                where h.shop = p_shop and h.checkout_id = p_checkout_id and h.take = v_take order by h.sku);
        end if;
        if o_outcome is not null then
            return;
        end if;
    end if;

    if v_hold_s > v_hold_s_max then
        o_outcome := 'hold_too_long';
        return;
    end if;

    -- Unlocked: a sold-out sku is refused without queueing on its row.
    o_refused_skus := '{}';
    o_refused_available := '{}';
    for i in 1 .. v_lines loop
        if i > 1 and p_skus[i] collate "C" <= p_skus[i - 1] collate "C" then
            raise exception using errcode = 'invalid_parameter_value',
                message = 'checkout_begin: the lines must be sorted by sku, bytewise, and merged';
        end if;
        select s.price_minor, l.on_hand - l.held,
            s.retired_at is null and coalesce(s.sale_opens_at <= v_now, true) and coalesce(s.sale_closes_at > v_now, true)
        into v_price, v_available, v_on_sale
        from skus s join stock_levels l on l.shop = s.shop and l.sku = s.sku
        where s.shop = p_shop and s.sku = p_skus[i];
        if not found then
            v_unknown := v_unknown || p_skus[i];
            continue;
        end if;
        o_prices[i] := v_price;
        if not v_on_sale then
            v_not_on_sale := v_not_on_sale || p_skus[i];
        end if;
        if v_known then
            -- a shopper's own hold never counts against them
            v_own := coalesce((
                select h.quantity from holds h
                where h.shop = p_shop and h.checkout_id = p_checkout_id and h.take = v_take and h.sku = p_skus[i]
                    and h.status = 'active'), 0);
        end if;
        if v_available + v_own < p_quantities[i] then
            o_refused_skus := o_refused_skus || p_skus[i];
            o_refused_available := o_refused_available || v_available + v_own;
        end if;
    end loop;
    if v_unknown <> '{}' then
        o_outcome := 'unknown_sku';
        o_refused_skus := v_unknown;
        return;
    elsif v_not_on_sale <> '{}' then
        o_outcome := 'not_on_sale';
        o_refused_skus := v_not_on_sale;
        return;
    elsif o_refused_skus <> '{}' then
        o_outcome := case when stock_is_due(p_shop, o_refused_skus, v_now) then 'reclaim' else 'shortage' end;
        return;
    end if;

    o_status := 'open';
    o_expires_at := v_now + make_interval(secs => v_hold_s);
    if not v_known then
        v_take := 1;
        insert into checkouts (shop, checkout_id, customer, revision, request_hash, expires_at, created_at)
        values (p_shop, p_checkout_id, p_customer, p_revision, p_request_hash, o_expires_at, v_now)
        on conflict do nothing;
        if not found then
            o_outcome := 'again';
            return;
        end if;
    else
        v_take := v_take + 1;
        update checkouts c
        set revision = p_revision, take = v_take, request_hash = p_request_hash, expires_at = o_expires_at
        where c.shop = p_shop and c.checkout_id = p_checkout_id;
        update holds h set status = 'released', resolved_at = v_now
        where h.shop = p_shop and h.checkout_id = p_checkout_id and h.take = v_take - 1 and h.status = 'active';
    end if;
    for i in 1 .. v_lines loop
        insert into holds (shop, checkout_id, take, sku, quantity, price_minor, expires_at, created_at)
        values (p_shop, p_checkout_id, v_take, p_skus[i], p_quantities[i], o_prices[i], o_expires_at, v_now);
    end loop;

    if not v_known then
        o_outcome := 'placed';
        for i in 1 .. v_lines loop
            update stock_levels l set held = l.held + p_quantities[i], version = l.version + 1
            where l.shop = p_shop and l.sku = p_skus[i] and l.on_hand - l.held >= p_quantities[i];
            if not found then
                o_outcome := 'again';
                return;
            end if;
        end loop;
    else
        o_outcome := 'replaced';
        -- the difference to the cart before, in lock order: a hold grows without being let go first
        for v_line in
            select h.sku, sum(case h.take when v_take then h.quantity else -h.quantity end)::integer as more
            from holds h
            where h.shop = p_shop and h.checkout_id = p_checkout_id
                and (h.take = v_take or h.take = v_take - 1)
            group by h.sku
            having sum(case h.take when v_take then h.quantity else -h.quantity end) <> 0
            order by h.sku
        loop
            update stock_levels l set held = l.held + v_line.more, version = l.version + 1
            where l.shop = p_shop and l.sku = v_line.sku and l.on_hand - l.held >= v_line.more;
            if not found then
                o_outcome := 'again';
                return;
            end if;
        end loop;
    end if;
end;
$$;
grant execute on function holdfast.checkout_begin_core(text, uuid, text, integer, bytea, integer, text[], integer[])
    to holdfast_app;
