-- Parked events whose payment or refund is known by now, oldest first, at most p_batch_max. The
-- sweep hands them to payment_record_event once more, after their messages have had all their
-- tries. No locks: recording an event locks it and sees whether somebody was faster.
create or replace function holdfast.payment_parked_events(p_shop text, p_batch_max integer)
    returns setof holdfast.payment_events
language sql stable security definer set search_path = holdfast, pg_temp as $$
    select e.* from payment_events e
    where e.shop = p_shop and e.outcome = 'parked'
        and payment_find(p_shop, e.gateway, e.kind, e.reference, e.gateway_order_id,
            e.gateway_payment_id, e.refund_id, e.gateway_refund_id) is not null
    order by e.received_at limit p_batch_max
$$;
