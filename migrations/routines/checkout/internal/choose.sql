-- Chooses, for checkout_begin_many_attempt, the carts that can be held now. Outcomes as in
-- checkout_begin_many. Reads without locks, and writes nothing: what it reads is a guess, and the
-- caller's writes are the judge.
--
-- The other answers: the end of each hold; the price, the limit per customer and the units to take
-- of each sku; the customer_key under which a limit counts each checkout (null: no limit does), and
-- all of these keys; how many units each short line could have; and, if due holds are in the way,
-- the short skus.
create or replace function holdfast.checkout_choose(
    p_shop holdfast.shops, p_now timestamptz, p_checkout_ids uuid[], p_customers text[],
    p_holds_s integer[], p_skus text[], p_line_checkouts integer[], p_line_skus integer[],
    p_quantities integer[],
    out o_outcomes text[], out o_expires_at timestamptz[], out o_prices bigint[],
    out o_units_max integer[], out o_units integer[], out o_counted_as text[],
    out o_keys text[], out o_available integer[], out o_reclaim text[])
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_open_max integer := p_shop.checkouts_per_customer_max;
    -- of each sku; null: not in the catalogue or not on sale
    v_free integer[];
    v_left integer[];
    v_short boolean[];
    v_shortage text;
    v_some_limit boolean;
    -- of each checkout
    v_usual boolean[];
    v_keys text[];
    v_first integer;
    v_next integer := 1;
    v_enough boolean;
    v_known boolean;
    v_limited boolean;
    v_over integer;
begin
    -- "limit 1" and subqueries instead of joins: each row is looked up by its whole key. For a
    -- join, a session that met small tables would keep a plan that reads every row of the shop.
    select array_agg(k.free order by w.nth), array_agg(k.price_minor order by w.nth),
        array_agg(k.limit_per_customer order by w.nth),
        v_open_max is not null or count(k.limit_per_customer) > 0
    into v_free, o_prices, o_units_max, v_some_limit
    from unnest(p_skus) with ordinality w (sku, nth)
        left join lateral (
            select s.price_minor, s.limit_per_customer, l.on_hand - l.held as free
            from skus s join stock_levels l on l.shop = s.shop and l.sku = s.sku
            where s.shop = p_shop.shop and s.sku = w.sku and s.retired_at is null
                and (s.sale_opens_at <= p_now) is not false
                and (s.sale_closes_at > p_now) is not false
            limit 1) k on true;
    -- a known id, or one that comes twice, is not usual; nor is a hold that is too long
    select
        array_agg((c.hold_s <= p_shop.hold_s_max) is not false
            and array_position(p_checkout_ids, c.checkout_id) = c.nth
            and (select k.checkout_id from checkouts k
                where k.shop = p_shop.shop and k.checkout_id = c.checkout_id) is null
            order by c.nth),
        array_agg(p_now + coalesce(c.hold_s, p_shop.hold_s_default) * interval '1 second'
            order by c.nth)
    into v_usual, o_expires_at
    from unnest(p_checkout_ids, p_holds_s) with ordinality c (checkout_id, hold_s, nth);
    for v_over in
        select w.checkout from unnest(p_line_checkouts, p_quantities) w (checkout, quantity)
        group by w.checkout
        having max(w.quantity) > p_shop.units_per_line_max
            or sum(w.quantity) > p_shop.units_per_cart_max
    loop
        v_usual[v_over] := false;
    end loop;
    if v_some_limit then
        v_keys := array(
            select customer_key(p_shop.shop, c.customer)
            from unnest(p_customers) with ordinality c (customer, nth) order by c.nth);
        for v_over in
            select c.nth from unnest(v_keys) with ordinality c (customer, nth)
            where v_open_max <= (
                select o.open from customer_checkouts o
                where o.shop = p_shop.shop and o.customer = c.customer)
            union all
            select w.checkout
            from unnest(p_line_checkouts, p_line_skus, p_quantities) w (checkout, sku, quantity)
            where o_units_max[w.sku] < w.quantity + coalesce((
                select u.units_held + u.units_consumed from customer_units u
                where u.shop = p_shop.shop and u.customer = v_keys[w.checkout]
                    and u.sku = p_skus[w.sku]), 0)
        loop
            v_usual[v_over] := false;
        end loop;
    end if;

    v_left := v_free;
    o_counted_as := array_fill(null::text, array[cardinality(p_checkout_ids)]);
    for v_nth in 1 .. cardinality(p_checkout_ids) loop
        o_outcomes[v_nth] := 'apart';
        v_first := v_next;
        v_enough := p_line_checkouts[v_next] = v_nth;
        while p_line_checkouts[v_next] = v_nth loop
            v_enough := v_enough and p_quantities[v_next] <= v_left[p_line_skus[v_next]];
            v_next := v_next + 1;
        end loop;
        continue when not v_usual[v_nth];
        if v_enough then
            if v_some_limit then
                v_limited := v_open_max is not null;
                for i in v_first .. v_next - 1 loop
                    v_limited := v_limited or o_units_max[p_line_skus[i]] is not null;
                end loop;
                if v_limited then
                    continue when v_keys[v_nth] = any (o_keys);
                    o_keys := o_keys || v_keys[v_nth];
                    o_counted_as[v_nth] := v_keys[v_nth];
                end if;
            end if;
            o_outcomes[v_nth] := 'placed';
            for i in v_first .. v_next - 1 loop
                v_left[p_line_skus[i]] := v_left[p_line_skus[i]] - p_quantities[i];
            end loop;
        else
            v_known := true;
            for i in v_first .. v_next - 1 loop
                v_known := v_known and v_left[p_line_skus[i]] is not null;
            end loop;
            -- refused alone, whatever is short: nothing is expired for it
            continue when not v_known;
            o_outcomes[v_nth] := 'shortage';
            for i in v_first .. v_next - 1 loop
                if v_left[p_line_skus[i]] < p_quantities[i] then
                    o_available := coalesce(o_available,
                        array_fill(null::integer, array[cardinality(p_quantities)]));
                    o_available[i] := v_left[p_line_skus[i]];
                    v_short[p_line_skus[i]] := true;
                end if;
            end loop;
        end if;
    end loop;
    if v_next <= cardinality(p_line_checkouts) then
        raise exception using errcode = 'invalid_parameter_value',
            message = 'checkout_begin_many: the lines must be sorted by checkout';
    end if;
    o_units := array(
        select f.free - f.rest from unnest(v_free, v_left) with ordinality f (free, rest, nth)
        order by f.nth);
    if v_short is null then
        return;
    end if;
    o_reclaim := array(
        select p_skus[i] from generate_subscripts(v_short, 1) i where v_short[i] order by i);
    v_shortage := shortage_outcome(p_shop.shop, o_reclaim,
        array(select v_free[i] from generate_subscripts(v_short, 1) i where v_short[i] order by i),
        p_now, true);
    -- due holds are in the way, or units have just come back: checkout_begin decides
    if v_shortage <> 'shortage' then
        o_outcomes := array_replace(o_outcomes, 'shortage', 'apart');
    end if;
    if v_shortage <> 'reclaim' then
        o_reclaim := null;
    end if;
end;
$$;
