-- Claims up to p_limit refunds of one shop that must be sent to their gateways now, the longest
-- waiting first. The caller calls the gateway, and then refund_report. A claim without a report
-- ends after two minutes. The refund is then claimed again, and the gateway recognizes its id. A
-- claim counts as a try, because the refund may have been sent, unless refund_untried says that it
-- was not. A refund of disputed money that nobody confirmed is never sent: refund_stop_disputed has
-- failed it already, and this is the last door. Any number of copies may run at once. Locks: the
-- refunds (SKIP LOCKED).
create or replace function holdfast.refund_claim(
    p_shop text, p_limit integer,
    out o_refund_id uuid, out o_reference text, out o_gateway text, out o_gateway_payment_id text,
    out o_amount_minor bigint, out o_currency text, out o_reason text, out o_attempts integer)
returns setof record
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
begin
    return query
    with due as materialized (
        select r.refund_id from refunds r
        where r.shop = p_shop and r.status in ('owed', 'sending') and not r.void
            and r.next_try_at <= v_now
            and (r.despite_dispute
                -- as payment_is_disputed
                or not exists (
                    select from disputes d
                    where d.shop = p_shop and d.reference = r.reference
                        and d.status in ('open', 'lost')
                        and coalesce(d.gateway_payment_id = r.gateway_payment_id, true)))
        order by r.next_try_at limit p_limit
        for no key update skip locked  -- guard(a_refund_is_sent_once)
    )
    update refunds r
    set status = 'sending', attempts = r.attempts + 1,
        next_try_at = v_now + interval '2 minutes'
    from due
    where r.shop = p_shop and r.refund_id = due.refund_id
    returning r.refund_id, r.reference, r.gateway, r.gateway_payment_id, r.amount_minor,
        r.currency, r.reason, r.attempts;
end;
$$;
