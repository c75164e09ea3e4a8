-- Begin, for a checkout id that is known: the same request again, a conflict, or another cart in
-- place of the one that is held. Outcomes as checkout_begin_core, and `unknown` when there is no
-- such checkout. A replacement never prolongs a checkout beyond the shop's hold_s_max after its
-- beginning: else it could hold stock for ever. Locks as checkout_begin_core; as there, an `again`
-- that comes after the first write can't be committed.
create or replace function holdfast.checkout_replace(
    p_shop text, p_checkout_id uuid, p_customer text, p_revision integer, p_request_hash bytea,
    p_hold_s integer, p_skus text[], p_quantities integer[],
    out o_outcome text, out o_status text,
    out o_expires_at timestamptz, out o_server_time timestamptz, out o_prices bigint[],
    out o_refused_skus text[], out o_refused_available integer[])
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_shop shops%rowtype;
    v_checkout checkouts%rowtype;
    v_now timestamptz;
    v_ends_at timestamptz;
    v_line record;
    v_limit record;
begin
    select * into v_checkout from checkouts c
    where c.shop = p_shop and c.checkout_id = p_checkout_id for no key update;
    if not found then
        o_outcome := 'unknown';
        return;
    end if;
    select * into strict v_shop from shops s where s.shop = p_shop;
    v_now := clock_timestamp();
    v_ends_at := v_checkout.created_at + make_interval(secs => v_shop.hold_s_max);
    o_server_time := v_now;
    o_expires_at := v_checkout.expires_at;
    o_status := case
        when v_checkout.ended_at is null and v_checkout.expires_at <= v_now then 'expired'
        else v_checkout.status::text
    end;
    o_outcome := case
        when v_checkout.customer <> p_customer then 'checkout_conflict'
        when p_revision < v_checkout.revision then 'stale_revision'
        when p_revision = v_checkout.revision and p_request_hash <> v_checkout.request_hash
            then 'checkout_conflict'
        when o_status in ('released', 'expired') then 'checkout_ended'
        when p_revision = v_checkout.revision then 'same'
        when o_status = 'ordered' then 'checkout_ordered'
        when o_status = 'paid' or v_ends_at <= v_now then 'checkout_ended'
        when coalesce(p_hold_s, v_shop.hold_s_default) > v_shop.hold_s_max then 'hold_too_long'
    end;
    if o_outcome = 'same' then
        o_prices := array(
            select h.price_minor from holds h
            where h.shop = p_shop and h.checkout_id = p_checkout_id and h.take = v_checkout.take
            order by h.sku);
    end if;
    if o_outcome is not null then
        return;
    end if;

    select r.o_outcome, r.o_prices, r.o_refused_skus, r.o_refused_available
    into o_outcome, o_prices, o_refused_skus, o_refused_available
    from cart_check(
        p_shop, p_checkout_id, v_checkout.take, p_skus, p_quantities, v_now) r;
    if o_outcome <> 'enough' then
        return;
    end if;
    o_outcome := 'replaced';
    o_status := 'open';
    o_expires_at := least(
        v_now + make_interval(secs => coalesce(p_hold_s, v_shop.hold_s_default)), v_ends_at);
    update checkouts c
    set revision = p_revision, take = c.take + 1, request_hash = p_request_hash,
        expires_at = o_expires_at
    where c.shop = p_shop and c.checkout_id = p_checkout_id
    returning c.take into strict v_checkout.take;
    -- out of the customer's counts first: the cart before never counts against its successor
    if v_checkout.counted then
        perform limit_resolve(p_shop, array[p_checkout_id], false);
    end if;
    update holds h set status = 'released', resolved_at = v_now
    where h.shop = p_shop and h.checkout_id = p_checkout_id and h.take = v_checkout.take - 1
        and h.status = 'active';
    for i in 1 .. cardinality(p_skus) loop
        insert into holds (
            shop, checkout_id, take, sku, quantity, price_minor, expires_at, created_at)
        values (
            p_shop, p_checkout_id, v_checkout.take, p_skus[i], p_quantities[i], o_prices[i],
            o_expires_at, v_now);
    end loop;
    if limit_applies(p_shop, p_skus) then
        select t.o_outcome, t.o_refused_skus, t.o_refused_allowed
        into v_limit
        from limit_take(p_shop, p_checkout_id, v_checkout.take) t;
        if v_limit.o_outcome <> 'taken' then
            o_outcome := v_limit.o_outcome;
            o_refused_skus := v_limit.o_refused_skus;
            o_refused_available := v_limit.o_refused_allowed;
            return;
        end if;
    end if;
    -- The difference to the cart before, in lock order: a hold grows without being let go first.
    for v_line in
        select h.sku,
            sum(case h.take when v_checkout.take then h.quantity else -h.quantity end)::integer
                as more
        from holds h
        where h.shop = p_shop and h.checkout_id = p_checkout_id
            and h.take in (v_checkout.take, v_checkout.take - 1)
        group by h.sku
        order by h.sku
    loop
        continue when v_line.more = 0;
        update stock_levels l set held = l.held + v_line.more, version = l.version + 1
        where l.shop = p_shop and l.sku = v_line.sku and l.on_hand - l.held >= v_line.more;
        if not found then
            insert into refused_work (shop) values (p_shop);
            o_outcome := 'again';
            return;
        end if;
    end loop;
end;
$$;
