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
--
-- payments.look_up_at says when a payment must be considered next; lookup_next computes it. A call
-- considers up to 200 payments at a time, and 5,000 in all, so its cost follows the payments that
-- are due, and not the history.
create or replace function holdfast.lookup_claim(
    p_shop text, p_limit integer, p_before_s integer, p_after_s integer, p_pending_s integer,
    p_again_s integer,
    out o_what text, out o_reference text, out o_gateway text, out o_gateway_order_id text,
    out o_gateway_payment_id text, out o_refund_id uuid, out o_gateway_refund_id text)
returns setof record
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_before timestamptz := v_now - make_interval(secs => p_again_s);
    v_pending interval := make_interval(secs => p_pending_s);
    v_considered integer;
    v_references text[];
    v_order_ids uuid[];
    v_look_up_at timestamptz[];
    v_due boolean[];
    v_all text[] := '{}';
begin
    for v_round in 1 .. 25 loop
        select array_agg(c.reference order by c.look_up_at),
            array_agg(c.order_id order by c.look_up_at), count(*)
        into v_references, v_order_ids, v_considered
        from (
            select p.reference, p.order_id, p.look_up_at from payments p
            where p.shop = p_shop and p.look_up_at <= v_now
            order by p.look_up_at limit 200
            for no key update skip locked) c;
        -- a due payment that is not taken waits for its turn, and moves nothing
        with next as materialized (
            select c.reference, n.*
            from unnest(v_references, v_order_ids) c (reference, order_id)
                cross join lateral lookup_next(p_shop, c.order_id, v_now, p_before_s, p_after_s,
                    p_pending_s, p_again_s) n),
        due as (
            select n.reference from next n where n.o_due
            order by n.o_due_since nulls first, n.o_ended, n.o_expires_at
            limit p_limit - cardinality(v_all))
        select array_agg(n.reference),
            array_agg(case when d.reference is not null then n.o_after else n.o_next end),
            array_agg(d.reference is not null)
        into v_references, v_look_up_at, v_due
        from next n left join due d on d.reference = n.reference
        where d.reference is not null or not n.o_due;
        update payments p
        set look_up_at = m.look_up_at,
            looked_up_at = case when m.due then v_now else p.looked_up_at end
        from unnest(v_references, v_look_up_at, v_due) m (reference, look_up_at, due)
        where p.shop = p_shop and p.reference = m.reference;
        v_all := v_all || array(
            select m.reference from unnest(v_references, v_due) m (reference, due) where m.due);
        exit when v_considered < 200 or cardinality(v_all) >= p_limit;
    end loop;
    return query
        select 'payment', t.reference, g.gateway, g.gateway_order_id, null::text, null::uuid,
            null::text
        from unnest(v_all) t (reference)
            left join gateway_orders g on g.shop = p_shop and g.reference = t.reference;
    return query
        -- materialized: a join would repeat the subquery, and each time it would take other rows
        with due as materialized (
            select s.refund_id from refunds s
            where s.shop = p_shop and s.status = 'pending'
                and s.created_at < v_now - v_pending
                and coalesce(s.looked_up_at < v_before, true)
            order by s.looked_up_at nulls first, s.created_at limit p_limit
            for no key update skip locked)
        update refunds r set looked_up_at = v_now
        from due
        where r.shop = p_shop and r.refund_id = due.refund_id
        returning 'refund', r.reference, r.gateway, null::text, r.gateway_payment_id, r.refund_id,
            r.gateway_refund_id;
end;
$$;
