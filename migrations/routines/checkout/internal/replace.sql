-- The part of checkout_hold_cart for a known checkout: the same request again, a conflict, or
-- another cart in place of its present one. Outcomes and locks as there. A replacement never
-- prolongs a checkout beyond the shop's hold_s_max after its beginning. Otherwise a checkout could
-- hold stock for ever. A cart that becomes smaller is never refused because of sale times or limits
-- that the shop has made stricter since. A lowered hold_s_max refuses a longer p_hold_s of any
-- cart, and shortens no hold. A cart is replaced at most 100 times: each replacement leaves its
-- holds in the journal.
create or replace function holdfast.checkout_replace(
    p_shop text, p_checkout_id uuid, p_customer text, p_revision integer, p_request_hash bytea,
    p_hold_s integer, p_skus text[], p_quantities integer[], p_capped boolean,
    p_reclaim boolean) returns holdfast.checkout_answer
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    -- as REPLACEMENTS_MAX of operations::checkout::begin
    v_replacements_max constant integer := 100;
    v_answer checkout_answer;
    v_shop shops%rowtype;
    v_checkout checkouts%rowtype;
    v_now timestamptz;
    v_ends_at timestamptz;
    v_line record;
    v_counted hold_answer;
begin
    select * into v_checkout from checkouts c
    where c.shop = p_shop and c.checkout_id = p_checkout_id for no key update;
    if not found then
        -- purged a moment ago
        v_answer.o_outcome := 'again';
        return v_answer;
    end if;
    select * into strict v_shop from shops s where s.shop = p_shop;
    v_now := clock_timestamp();
    v_ends_at := greatest(v_checkout.expires_at,
        v_checkout.created_at + make_interval(secs => v_shop.hold_s_max));
    v_answer.o_currency := v_shop.currency;
    v_answer.o_server_time := v_now;
    v_answer.o_expires_at := v_checkout.expires_at;
    v_answer.o_status := case
        when v_checkout.ended_at is null and v_checkout.expires_at <= v_now then 'expired'
        else v_checkout.status::text
    end;
    v_answer.o_outcome := case
        when v_checkout.customer <> p_customer then 'checkout_conflict'
        when p_revision < v_checkout.revision then 'stale_revision'
        when p_revision = v_checkout.revision and p_request_hash <> v_checkout.request_hash
            then 'checkout_conflict'
        when v_answer.o_status in ('released', 'expired') then 'checkout_ended'
        when p_revision = v_checkout.revision then 'same'
        when v_answer.o_status = 'ordered' then 'checkout_ordered'
        when v_answer.o_status = 'paid' then 'checkout_ended'
        when coalesce(p_hold_s, v_shop.hold_s_default) > v_shop.hold_s_max then 'hold_too_long'
        when v_checkout.generation > v_replacements_max then 'too_many_replacements'
    end;
    if v_answer.o_outcome = 'same' then
        v_answer.o_prices := array(
            select h.price_minor from holds h
            where h.shop = p_shop and h.checkout_id = p_checkout_id
                and h.generation = v_checkout.generation
            order by h.sku);
    end if;
    if v_answer.o_outcome is not null then
        return v_answer;
    end if;

    v_answer := cart_check(
        p_shop, v_checkout, p_skus, p_quantities, v_now, p_capped, p_reclaim);
    if v_answer.o_outcome <> 'enough' then
        return v_answer;
    end if;
    v_answer.o_outcome := 'replaced';
    v_answer.o_status := 'open';
    v_answer.o_currency := v_shop.currency;
    v_answer.o_server_time := v_now;
    v_answer.o_expires_at := least(
        v_now + make_interval(secs => coalesce(p_hold_s, v_shop.hold_s_default)), v_ends_at);
    update checkouts c
    set revision = p_revision, generation = c.generation + 1, request_hash = p_request_hash,
        expires_at = v_answer.o_expires_at
    where c.shop = p_shop and c.checkout_id = p_checkout_id
    returning c.generation into strict v_checkout.generation;
    -- first takes the old cart out of the customer's counts: it never counts against the new one
    if v_checkout.counted_as is not null then
        perform limit_resolve(p_shop, array[p_checkout_id], false);
    end if;
    update holds h set status = 'released', resolved_at = v_now
    where h.shop = p_shop and h.checkout_id = p_checkout_id
        and h.generation = v_checkout.generation - 1
        and coalesce(h.resolved_at, 'infinity') = 'infinity';
    for i in 1 .. cardinality(p_skus) loop
        insert into holds (
            shop, checkout_id, generation, sku, quantity, price_minor, expires_at, created_at)
        values (
            p_shop, p_checkout_id, v_checkout.generation, p_skus[i], p_quantities[i],
            v_answer.o_prices[i], v_answer.o_expires_at, v_now);
    end loop;
    if limit_applies(p_shop, p_skus) then
        v_counted := limit_acquire(p_shop, p_checkout_id, v_checkout.generation, p_reclaim,
            v_checkout.generation - 1);
        if v_counted.o_outcome <> 'acquired' then
            v_answer.o_outcome := v_counted.o_outcome;
            v_answer.o_refused_skus := v_counted.o_refused_skus;
            v_answer.o_refused_available := v_counted.o_refused_available;
            v_answer.o_reclaim := v_counted.o_reclaim;
            return v_answer;
        end if;
    end if;
    -- Only the difference to the old cart, in lock order. A growing hold is not given back first.
    for v_line in
        select h.sku,
            sum(case h.generation when v_checkout.generation then h.quantity
                else -h.quantity end)::integer as more
        from holds h
        where h.shop = p_shop and h.checkout_id = p_checkout_id
            and h.generation in (v_checkout.generation, v_checkout.generation - 1)
        group by h.sku
        order by h.sku
    loop
        continue when v_line.more = 0;
        update stock_levels l set held = l.held + v_line.more, version = l.version + 1
        where l.shop = p_shop and l.sku = v_line.sku and l.on_hand - l.held >= v_line.more;
        if not found then
            insert into must_roll_back (shop) values (p_shop);
            v_answer.o_outcome := 'again';
            return v_answer;
        end if;
    end loop;
    return v_answer;
end;
$$;
