-- One attempt of checkout_begin_many, in the caller's transaction. o_outcome: `placed` (at least
-- one cart is held), `none` (nothing is written), `reclaim` (nothing is written, and due holds are
-- in the way: roll back, expire o_reclaim, call again), or `again` (another call was faster: roll
-- back and call again; after the first write it can't be committed, must_roll_back).
--
-- checkout_choose reads without locks and decides. Then one statement for each table writes. A
-- statement that writes fewer rows than were decided has met another call that was faster.
--
-- Locks: the checkouts by id, the counts of limited customers by customer, then the stock levels by
-- sku. The hot rows come last, as in checkout_begin_attempt.
create or replace function holdfast.checkout_begin_many_attempt(
    p_shop text, p_checkout_ids uuid[], p_customers text[], p_revisions integer[],
    p_request_hashes bytea[], p_holds_s integer[], p_skus text[], p_line_checkouts integer[],
    p_line_skus integer[], p_quantities integer[]) returns holdfast.checkouts_answer
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_answer checkouts_answer;
    v_now timestamptz := clock_timestamp();
    v_shop shops%rowtype;
    v_choice record;
    v_placed integer;
    v_written integer;
    v_counted boolean;
    -- of which units are taken
    v_skus text[];
begin
    if cardinality(p_checkout_ids) > 100 then
        raise exception using errcode = 'invalid_parameter_value',
            message = 'checkout_begin_many: 100 checkouts at most';
    end if;
    if cardinality(p_quantities) > 450 then
        raise exception using errcode = 'invalid_parameter_value',
            message = 'checkout_begin_many: 450 lines at most';
    end if;
    -- not checks of the table (checkout_hold_cart)
    if exists (
        select from unnest(p_customers, p_request_hashes) c (customer, request_hash)
        where length(c.customer) > 64 or octet_length(c.request_hash) > 64)
    then
        raise exception using errcode = 'check_violation',
            constraint = 'checkout_texts_are_short', table = 'checkouts', schema = 'holdfast',
            message = 'a customer has at most 64 characters, a request hash at most 64 bytes';
    end if;
    for i in 2 .. cardinality(p_skus) loop
        if p_skus[i] collate "C" <= p_skus[i - 1] collate "C" then
            raise exception using errcode = 'invalid_parameter_value',
                message = 'checkout_begin_many: the skus must be sorted, bytewise, each once';
        end if;
    end loop;
    select * into v_shop from shops s where s.shop = p_shop;
    select * into strict v_choice from checkout_choose(
        v_shop, v_now, p_checkout_ids, p_customers, p_holds_s, p_skus, p_line_checkouts,
        p_line_skus, p_quantities);
    v_placed := cardinality(array_positions(v_choice.o_outcomes, 'placed'));
    v_answer := row(
        case when v_placed > 0 then 'placed'
            when v_choice.o_reclaim is not null then 'reclaim'
            else 'none' end,
        v_choice.o_outcomes, v_shop.currency, v_now, v_choice.o_expires_at, v_choice.o_prices,
        v_choice.o_available, row(v_choice.o_reclaim, null, null)::reclaim);
    if v_placed = 0 then
        return v_answer;
    end if;
    v_skus := array(
        select u.sku from unnest(p_skus, v_choice.o_units) u (sku, units) where u.units > 0);
    -- race(stock_never_oversold): read, nothing written

    <<written>>
    begin
        -- counts what is returned: of an INSERT with a query, Citus answers how many rows it read
        with inserted as (
            insert into checkouts (
                shop, checkout_id, customer, revision, request_hash, expires_at, created_at,
                counted_as)
            select p_shop, c.checkout_id, c.customer, c.revision, c.request_hash, c.expires_at,
                v_now, c.counted_as
            from unnest(p_checkout_ids, p_customers, p_revisions, p_request_hashes,
                v_choice.o_expires_at, v_choice.o_outcomes, v_choice.o_counted_as) c (
                checkout_id, customer, revision, request_hash, expires_at, outcome, counted_as)
            where c.outcome = 'placed'
            order by c.checkout_id
            on conflict do nothing
            returning 1)
        select count(*) into v_written from inserted;
        exit written when v_written <> v_placed;
        insert into holds (
            shop, checkout_id, generation, sku, quantity, price_minor, expires_at, created_at,
            limited)
        select p_shop, p_checkout_ids[w.checkout], 1, p_skus[w.sku], w.quantity,
            v_choice.o_prices[w.sku], v_choice.o_expires_at[w.checkout], v_now,
            v_choice.o_units_max[w.sku] is not null
        from unnest(p_line_checkouts, p_line_skus, p_quantities) w (checkout, sku, quantity)
        where v_choice.o_outcomes[w.checkout] = 'placed';
        if v_choice.o_keys is not null then
            -- race(customer_never_over_limit): read, nothing written
            select limit_acquire_many(p_shop, v_shop.checkouts_per_customer_max,
                v_choice.o_keys, array_agg(v_choice.o_counted_as[w.checkout]),
                array_agg(p_skus[w.sku]), array_agg(w.quantity),
                array_agg(v_choice.o_units_max[w.sku]))
            into v_counted
            from unnest(p_line_checkouts, p_line_skus, p_quantities) w (checkout, sku, quantity)
            where v_choice.o_counted_as[w.checkout] is not null
                and v_choice.o_units_max[w.sku] is not null;
            exit written when not v_counted;
        end if;
        -- in lock order; an update alone locks in any order
        perform from stock_levels l
        where l.shop = p_shop and l.sku = any (v_skus)
        order by l.sku
        for no key update;
        -- "= any" for the index: a join alone may read all levels of the shop
        update stock_levels l
        set held = l.held + u.units, version = l.version + 1
        from unnest(p_skus, v_choice.o_units) u (sku, units)
        where l.shop = p_shop and l.sku = any (v_skus) and l.sku = u.sku
            and l.on_hand - l.held >= u.units;  -- guard(stock_never_oversold)
        get diagnostics v_written = row_count;
        exit written when v_written <> cardinality(v_skus);
        return v_answer;
    end;
    insert into must_roll_back (shop) values (p_shop);
    return row('again', null, null, null, null, null, null, null)::checkouts_answer;
end;
$$;
