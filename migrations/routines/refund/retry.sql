-- Sends a failed refund again, because a person asks for it. A bounced refund is replaced by a new
-- one, because the gateway keeps the old id as failed for ever. Any other refund is sent under its
-- old id, so the gateway recognizes a refund that it made already. Outcomes: retried, same (under
-- way, or replaced already), not_found, refund_not_failed, payment_disputed (a bank asks for this
-- money or has taken it, and p_despite_dispute is false). Answers the refund that is under way.
-- Locks: the checkout, the order, the payment, the refund, the capture.
create or replace function holdfast.refund_retry(
    p_shop text, p_refund_id uuid, p_actor text, p_despite_dispute boolean default false,
    out o_outcome text, out o_refund jsonb)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_order_id uuid;
    v_refund refunds%rowtype;
    v_next refunds%rowtype;
    v_now timestamptz := clock_timestamp();
begin
    select r.order_id into v_order_id from refunds r
    where r.shop = p_shop and r.refund_id = p_refund_id;
    if not found then
        o_outcome := 'not_found';
        return;
    end if;
    perform order_desk_lock(p_shop, null, v_order_id);
    select * into v_refund from refunds r
    where r.shop = p_shop and r.refund_id = p_refund_id for no key update;
    select * into v_next from refunds r
    where r.shop = p_shop and r.order_id = v_order_id and r.retry_of = p_refund_id;
    if found then
        o_outcome := 'same';
    elsif v_refund.status in ('owed', 'sending', 'pending') and not v_refund.void then
        o_outcome := 'same';
        v_next := v_refund;
    elsif v_refund.status <> 'failed' or v_refund.void then
        o_outcome := 'refund_not_failed';
        return;
    elsif not p_despite_dispute and payment_is_disputed(
        p_shop, v_refund.reference, v_refund.gateway_payment_id)
    then
        o_outcome := 'payment_disputed';
        return;
    elsif v_refund.bounced then
        o_outcome := 'retried';
        v_next := refund_replace(v_refund, p_actor, p_despite_dispute);
    else
        o_outcome := 'retried';
        update refunds r
        set status = 'owed', next_try_at = v_now, actor = p_actor,
            despite_dispute = p_despite_dispute
        where r.shop = p_shop and r.refund_id = p_refund_id
        returning * into v_next;
    end if;
    o_refund := refund_describe(v_next);
end;
$$;
