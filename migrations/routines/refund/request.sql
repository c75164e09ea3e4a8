-- Records that staff give money back: p_amount_minor, or all that is left (null), of one capture
-- (p_gateway_payment_id) or of the order's captures in its currency: money in review first, then
-- the newest. If p_skus is not null, goods are put back with it: both or neither. Goods that are
-- only a part of the order need an amount: nobody may give back all the money for one of two
-- dresses by mistake. Makes one refund per capture. The first one has p_refund_id, which the client
-- made. Outcomes: requested; same (a repeated request with this p_refund_id); not_found;
-- refund_conflict (this p_refund_id belongs to another request); payment_disputed (a bank asks for
-- this money or has taken it, and p_despite_dispute is false); not_captured (no gateway has taken
-- money for the order: money that was paid at the desk is given back at the desk); amount_missing;
-- too_much (at most o_refundable_minor can be given back); too_many_refunds (the order has 100);
-- amount_not_payable (finer than the gateway's step); and those of order_restock: not_sold,
-- too_many_changes, too_many, return_conflict. Locks: the checkout, the order, the payment,
-- captures, then as order_restock.
create or replace function holdfast.refund_request(
    p_shop text, p_order_id uuid, p_refund_id uuid, p_request_hash bytea, p_actor text, p_note text,
    p_amount_minor bigint, p_gateway_payment_id text, p_skus text[], p_quantities integer[],
    p_despite_dispute boolean default false,
    out o_outcome text, out o_overview jsonb, out o_refundable_minor bigint,
    out o_refused_skus text[], out o_refused_returnable integer[])
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_locked record;
    v_left bigint;
    v_capture payment_captures%rowtype;
    v_part bigint;
    v_id uuid := p_refund_id;
    v_nth integer := 0;
    v_any boolean;
    v_disputed boolean;
    v_partial boolean;
    v_refunds bigint;
    v_step bigint;
    -- as REFUNDS_MAX of operations::refund::request
    v_refunds_max constant integer := 100;
begin
    v_locked := order_desk_lock(p_shop, null, p_order_id);
    if not v_locked.o_found then
        o_outcome := 'not_found';
        return;
    end if;
    select bool_and(r.order_id = p_order_id and r.request_hash is not distinct from p_request_hash)
    into v_any from refunds r
    where r.shop = p_shop and (r.request_id = p_refund_id or r.refund_id = p_refund_id);
    if v_any is not null then
        o_outcome := case when v_any then 'same' else 'refund_conflict' end;
        o_overview := case when v_any then refund_overview(p_shop, p_order_id) end;
        return;
    end if;
    select count(*) > 0, coalesce(sum(c.amount_minor - c.refunded_minor), 0)
    into v_any, o_refundable_minor
    from refund_captures(p_shop, (v_locked.o_payment).reference, (v_locked.o_payment).currency,
        p_gateway_payment_id) c;
    -- race(capture_never_refunded_beyond_its_amount): read, nothing written
    v_left := coalesce(p_amount_minor, o_refundable_minor);
    v_disputed := not p_despite_dispute and payment_is_disputed(
        p_shop, (v_locked.o_payment).reference, p_gateway_payment_id);
    v_partial := p_amount_minor is null and p_skus is not null and exists (
        select from order_lines l
            left join unnest(p_skus, p_quantities) w (sku, quantity) on w.sku = l.sku
        where l.shop = p_shop and l.order_id = p_order_id
            and l.returned + coalesce(w.quantity, 0) < l.quantity);
    v_refunds := (
        select count(*) from refunds r where r.shop = p_shop and r.order_id = p_order_id);
    o_outcome := case when not v_any then 'not_captured'
        when v_disputed then 'payment_disputed'
        when v_partial then 'amount_missing'
        when v_left not between 1 and o_refundable_minor then 'too_much'
        when v_refunds >= v_refunds_max then 'too_many_refunds' end;
    if o_outcome is not null then
        return;
    end if;
    -- a savepoint: if the goods can't come back, the refunds are removed, too
    begin
        for v_capture in
            select * from refund_captures(p_shop, (v_locked.o_payment).reference,
                (v_locked.o_payment).currency, p_gateway_payment_id)
        loop
            v_part := least(v_left, v_capture.amount_minor - v_capture.refunded_minor);
            continue when v_part < 1;
            select b.o_step_minor into v_step
            from amount_bound(v_capture.gateway, v_capture.currency) b;
            if v_part % v_step <> 0 and v_part < v_capture.amount_minor then
                o_outcome := 'amount_not_payable';
                raise exception using errcode = 'HF001', message = 'refused';
            end if;
            if refund_owe(v_capture, p_order_id, v_part,
                case when v_capture.counts or v_capture.accepted then 'requested'
                    else 'review' end,
                v_id, p_actor, p_note, p_refund_id, p_request_hash, p_despite_dispute) is null
            then
                -- another call has just used the id for another order
                o_outcome := 'refund_conflict';
                raise exception using errcode = 'HF001', message = 'refused';
            end if;
            v_left := v_left - v_part;
            v_nth := v_nth + 1;
            v_id := md5(p_refund_id || ':' || v_nth)::uuid;
        end loop;
        perform order_refund_status(p_shop, p_order_id);
        o_outcome := 'requested';
        if p_skus is not null then
            select r.o_outcome, r.o_refused_skus, r.o_refused_returnable
            into o_outcome, o_refused_skus, o_refused_returnable
            from order_restock(p_shop, p_order_id, p_refund_id, p_request_hash, p_actor, p_note,
                p_skus, p_quantities) r;
            if o_outcome <> 'restocked' then
                raise exception using errcode = 'HF001', message = 'refused';
            end if;
            o_outcome := 'requested';
        end if;
    exception when sqlstate 'HF001' then
        return;
    end;
    o_overview := refund_overview(p_shop, p_order_id);
end;
$$;
