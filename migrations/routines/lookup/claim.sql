-- Claims up to p_limit payments, and up to p_limit refunds, of one shop that must be looked up at
-- their gateways, because webhooks get lost. It claims:
-- - unpaid payments whose hold ends within p_before_s seconds, or ended at most p_after_s seconds
--   ago;
-- - payments that were paid p_pending_s seconds ago, once: another attempt may have succeeded, too,
--   and its money must go back;
-- - payments that a gateway knows (it made an order, or sent an event), paid or not, once more
--   p_after_s seconds, one day and three days after they ended: a bank transfer may arrive days
--   later. Each of these look-ups is due for p_after_s seconds, which bounds the rows that are
--   read. With p_after_s = 0 there are none;
-- - refunds that the gateway accepted more than p_pending_s seconds ago.
-- A payment or refund that was looked up less than p_again_s seconds ago is not claimed. Payments
-- without a look-up come first: those that have not ended before those that have, by the end of
-- their hold. Then come the others, the longest due first, so that each one gets its turn. The
-- gateway's answer goes to payment_record_event or refund_report, as a webhook would. A payment has
-- one row for each of its gateway orders. If it has none, it has one row with o_gateway null: the
-- storefront made the payment, and each gateway must be asked for our reference. Any number of
-- copies may run at once. Locks: the payments, the refunds (SKIP LOCKED).
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
            -- by the sweep's two indexes: checkouts that end next, checkouts that ended last
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
