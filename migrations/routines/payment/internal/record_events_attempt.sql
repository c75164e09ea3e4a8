-- One attempt of payment_record_events, in the caller's transaction. o_outcome: `completed` (at
-- least one order is), `none` (nothing is written), or `again` (another call was faster: roll back
-- and call again; it can't be committed, must_roll_back).
--
-- payment_choose reads without locks and decides. Then one statement for each table writes. A
-- statement that writes fewer rows than were decided has met another call that was faster.
--
-- Locks: the events by gateway and key, the checkouts by id, the orders and the payments of these
-- checkouts, new captures by gateway and id, then as order_complete. Whoever waits for two orders
-- or payments has locked their checkouts first, so those need no order of their own.
create or replace function holdfast.payment_record_events_attempt(p_shop text, p_events jsonb)
    returns holdfast.payments_answer
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_events payment_events[];
    v_choice record;
    v_chosen integer;
    v_written integer;
begin
    if jsonb_array_length(p_events) > 100 then
        raise exception using errcode = 'invalid_parameter_value',
            message = 'payment_record_events: 100 events at most';
    end if;
    v_events := array(select e from jsonb_populate_recordset(null::payment_events, p_events) e);
    select * into strict v_choice from payment_choose(p_shop, v_events);
    v_chosen := cardinality(v_choice.o_numbers);
    if v_chosen = 0 then
        return row('none', v_choice.o_outcomes, v_choice.o_order_ids)::payments_answer;
    end if;
    -- race(a_payment_changes_stock_once): read, nothing written

    <<written>>
    begin
        -- counts what is returned: of an INSERT with a query, Citus answers how many rows it read
        with inserted as (
            insert into payment_events (shop, gateway, event_key, reference, kind, amount_minor,
                currency, gateway_payment_id, other_payment_id, payload, gateway_order_id,
                refund_id, gateway_refund_id, dispute_id, dispute_stage, webhook_envelope,
                received_at, outcome, resolved_at)
            -- also the reference: the event's own may be missing or wrong
            select p_shop, e.gateway, e.event_key, c.reference, e.kind, e.amount_minor, e.currency,
                e.gateway_payment_id, e.other_payment_id, e.payload, e.gateway_order_id,
                e.refund_id, e.gateway_refund_id, e.dispute_id, e.dispute_stage,
                e.webhook_envelope, v_now, 'completed', v_now
            from unnest(v_choice.o_numbers, v_choice.o_references) c (nth, reference)
                join unnest(v_events) with ordinality e on e.ordinality = c.nth
            order by e.gateway, e.event_key
            on conflict do nothing
            returning 1)
        select count(*) into v_written from inserted;
        exit written when v_written <> v_chosen;  -- guard(a_payment_changes_stock_once)
        perform from checkouts c
        where c.shop = p_shop and c.checkout_id = any (v_choice.o_checkout_ids)
            and c.status = 'ordered'
        order by c.checkout_id for no key update;
        get diagnostics v_written = row_count;
        exit written when v_written <> v_chosen;  -- guard(a_payment_changes_stock_once)
        perform from orders o
        where o.shop = p_shop and o.order_id = any (v_choice.o_chosen_order_ids)
            and o.status = 'awaiting_payment'
            for no key update;
        get diagnostics v_written = row_count;
        exit written when v_written <> v_chosen;  -- guard(a_payment_changes_stock_once)
        update payments p
        set status = 'paid', paid_at = v_now, look_up_at = v_now, gateway = c.gateway,
            gateway_payment_id = c.capture_id
        from unnest(v_choice.o_references, v_choice.o_gateways, v_choice.o_capture_ids,
            v_choice.o_amounts) c (reference, gateway, capture_id, amount_minor)
        where p.shop = p_shop and p.reference = c.reference
            and p.amount_minor = c.amount_minor
            and p.status <> 'paid';
        get diagnostics v_written = row_count;
        exit written when v_written <> v_chosen;  -- guard(a_payment_changes_stock_once)
        with inserted as (
            insert into payment_captures (shop, gateway, gateway_payment_id, reference,
                amount_minor, currency, counts, captured_at)
            select p_shop, c.gateway, c.capture_id, c.reference, c.amount_minor, c.currency, true,
                v_now
            from unnest(v_choice.o_references, v_choice.o_gateways, v_choice.o_capture_ids,
                v_choice.o_amounts, v_choice.o_currencies) c (
                reference, gateway, capture_id, amount_minor, currency)
            order by c.gateway collate "C", c.capture_id collate "C"
            on conflict do nothing
            returning 1)
        select count(*) into v_written from inserted;
        exit written when v_written <> v_chosen;  -- guard(a_payment_changes_stock_once)
        perform order_complete(p_shop, v_choice.o_chosen_order_ids);
        return row('completed', v_choice.o_outcomes, v_choice.o_order_ids)::payments_answer;
    end;
    insert into must_roll_back (shop) values (p_shop);
    return row('again', null, null)::payments_answer;
end;
$$;
