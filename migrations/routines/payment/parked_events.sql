-- Parked events whose payment or refund is known now, oldest first, at most p_batch_max. The sweep
-- passes them to payment_record_event again, after their messages have used up their tries. No
-- locks: payment_record_event locks the event, and notices if another call was faster.
create or replace function holdfast.payment_parked_events(p_shop text, p_batch_max integer)
    returns setof holdfast.payment_events
language sql stable security definer set search_path = holdfast, pg_temp as $$
    select e.* from payment_events e
    where e.shop = p_shop and e.outcome = 'parked'
        and payment_find(p_shop, e.gateway, e.kind, e.reference, e.gateway_order_id,
            e.gateway_payment_id, e.refund_id, e.gateway_refund_id) is not null
    order by e.received_at limit p_batch_max
$$;
