-- Whether the payment of an order is due for a look-up at p_now (lookup_claim says when), and since
-- when: null if it was never looked up. o_next: if it is not due, when to consider it again; null:
-- never. o_after: the same, if it is looked up now. No locks.
create or replace function holdfast.lookup_next(
    p_shop text, p_order_id uuid, p_now timestamptz, p_before_s integer, p_after_s integer,
    p_pending_s integer, p_again_s integer,
    out o_due boolean, out o_due_since timestamptz, out o_ended boolean,
    out o_expires_at timestamptz, out o_next timestamptz, out o_after timestamptz)
language plpgsql stable set search_path = holdfast, pg_temp as $$
declare
    v_again interval := make_interval(secs => p_again_s);
    v_after interval := make_interval(secs => p_after_s);
    v_payment payments%rowtype;
    v_ended_at timestamptz;
    -- from when until when one look-up is due, and the latest look-up that does not count for it
    v_from timestamptz;
    v_until timestamptz;
    v_before timestamptz;
    v_known boolean;
begin
    o_due := false;
    select * into v_payment from payments p where p.shop = p_shop and p.order_id = p_order_id;
    select c.expires_at, c.ended_at into o_expires_at, v_ended_at
    from orders o join checkouts c on c.shop = o.shop and c.checkout_id = o.checkout_id
    where o.shop = p_shop and o.order_id = p_order_id;
    o_ended := v_ended_at is not null;
    if v_payment.method <> 'online' then
        return;
    end if;
    -- the look-ups around the end of the hold, or once after the payment
    if v_payment.status = 'paid' then
        v_from := v_payment.paid_at + make_interval(secs => p_pending_s);
        v_before := v_from;
    else
        v_from := greatest(coalesce(v_ended_at, o_expires_at - make_interval(secs => p_before_s)),
            v_payment.looked_up_at + v_again);
        v_before := 'infinity';
    end if;
    v_until := coalesce(v_ended_at + v_after, 'infinity');
    if v_from < v_until and p_now < v_until and coalesce(v_payment.looked_up_at < v_before, true)
    then
        if p_now < v_from then
            o_next := v_from;
            return;
        end if;
        o_due := true;
        o_due_since := case v_payment.status when 'paid' then v_from
            else v_payment.looked_up_at + v_again end;
        o_next := p_now;
        if v_payment.status <> 'paid' then
            o_after := p_now + v_again;
            return;
        end if;
    end if;
    -- once more, hours and days later
    for i in 1 .. 3 loop
        v_from := v_ended_at + (array[v_after, '1 day', '3 days'])[i];
        continue when v_from is null or p_now >= v_from + v_after
            or v_payment.looked_up_at >= v_from;
        if p_now < v_from then
            o_after := v_from;
            o_next := coalesce(o_next, v_from);
            return;
        end if;
        v_known := coalesce(v_known, exists (
                select from gateway_orders g
                where g.shop = p_shop and g.reference = v_payment.reference)
            or exists (
                select from payment_events e
                where e.shop = p_shop and e.reference = v_payment.reference));
        if v_known and not o_due then
            o_due := true;
            o_due_since := v_from;
            o_next := p_now;
        end if;
    end loop;
end;
$$;
