-- Claims up to p_limit payments, and as many refunds, of one shop that are to be looked up at their
-- gateways, because webhooks get lost. None that was looked up in the last p_again_s seconds. They
-- are:
-- - payments by gateway that are not paid, and whose hold ends within p_before_s seconds or ended
--   at most p_after_s ago;
-- - payments that were paid p_pending_s ago, once: an attempt that was under way then may have gone
--   through too, and nobody would hear of money that must go back;
-- - once more each p_after_s, a day and three days after they ended, paid or not, payments that a
--   gateway knows (it made an order, or sent an event): a transfer may arrive days later. Each such
--   look-up is due for p_after_s, which bounds what is read to four such spans; with p_after_s = 0
--   there is none;
-- - refunds that the gateway took on more than p_pending_s ago.
-- Payments that were never looked up come first, those that have not ended before those that have,
-- by the end of their hold; then those that have been due for longest, so that none is passed over
-- for ever. The gateway's answer goes through payment_record_event (refund_report), as a webhook
-- would. A payment has a row for each of its gateway orders, or one without (o_gateway null): then
-- the storefront made the payment, and only our reference can be asked for. Any number of copies
-- may run at once. Locks: the payments, the refunds (SKIP LOCKED).
create or replace function holdfast.lookup_claim(
    p_shop text, p_limit integer, p_before_s integer, p_after_s integer, p_pending_s integer,
    p_again_s integer,
    out o_what text, out o_reference text, out o_gateway text, out o_gateway_order_id text,
    out o_gateway_payment_id text, out o_refund_id uuid, out o_gateway_refund_id text)
returns setof record
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_again interval := make_interval(secs => p_again_s);
    v_before timestamptz := v_now - v_again;
    v_after interval := make_interval(secs => p_after_s);
    v_pending interval := make_interval(secs => p_pending_s);
begin
    return query
        with ending as (
            -- by the indexes of a sweep: next to end, and ended last
            (select c.checkout_id, c.expires_at, c.ended_at, interval '0' as later from checkouts c
            where c.shop = p_shop and c.ended_at is null
                and c.expires_at <= v_now + make_interval(secs => p_before_s)
                and c.status = 'ordered')
            union all
            (select c.checkout_id, c.expires_at, c.ended_at, s.later
            from unnest(array[interval '0', v_after, '1 day', '3 days']) s (later)
                cross join lateral (
                    select * from checkouts e
                    where e.shop = p_shop and e.ended_at > v_now - s.later - v_after
                        and e.ended_at <= v_now - s.later) c
            where c.status in ('released', 'expired')
                or c.status = 'paid' and c.ended_at <= v_now - v_pending)),
        due as (
            select p.reference from ending e
                join orders o on o.shop = p_shop and o.checkout_id = e.checkout_id
                join payments p on p.shop = p_shop and p.order_id = o.order_id
            where p.method = 'online'
                and case when e.later > interval '0'
                    then coalesce(p.looked_up_at < e.ended_at + e.later, true)
                        and (exists (select from gateway_orders g
                                where g.shop = p_shop and g.reference = p.reference)
                            or exists (select from payment_events v
                                where v.shop = p_shop and v.reference = p.reference))
                    when p.status = 'paid'
                    then p.paid_at <= v_now - v_pending
                        and coalesce(p.looked_up_at < p.paid_at + v_pending, true)
                    else coalesce(p.looked_up_at < v_before, true) end
            order by case when e.later > interval '0' then e.ended_at + e.later
                when p.status = 'paid' then p.paid_at + v_pending
                else p.looked_up_at + v_again end nulls first,
                e.ended_at is not null, e.expires_at limit p_limit
            for no key update of p skip locked),
        taken as (
            update payments p set looked_up_at = v_now from due
            where p.shop = p_shop and p.reference = due.reference
            returning p.reference)
        select 'payment', t.reference, g.gateway, g.gateway_order_id, null::text, null::uuid,
            null::text
        from taken t
            left join gateway_orders g on g.shop = p_shop and g.reference = t.reference;
    return query
        update refunds r set looked_up_at = v_now
        from (
            select s.refund_id from refunds s
            where s.shop = p_shop and s.status = 'pending'
                and s.created_at < v_now - v_pending
                and coalesce(s.looked_up_at < v_before, true)
            order by s.looked_up_at nulls first, s.created_at limit p_limit
            for no key update skip locked) due
        where r.shop = p_shop and r.refund_id = due.refund_id
        returning 'refund', r.reference, r.gateway, null::text, r.gateway_payment_id, r.refund_id,
            r.gateway_refund_id;
end;
$$;
