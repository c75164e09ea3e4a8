-- Moves a refund to `pending`, `settled` or `failed`. p_bounced: the gateway itself says that it
-- failed, which is final. A refund only goes forward: owed, sending, pending, settled. A refund
-- that this service gave up as failed goes on if the gateway reports progress. A bounced refund
-- stays failed. Announces the change, and sets the order's status. The caller has locked checkout,
-- order, payment and refund. Outcomes: recorded, no_effect. Locks: the capture, if a refund no
-- longer counts.
create or replace function holdfast.refund_move(
    p_refund holdfast.refunds, p_to text, p_gateway_refund_id text, p_bounced boolean,
    p_error text, out o_outcome text)
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_to text := p_to;
    v_twin text;
    v_gateway_refund_id text;
    v_refund refunds%rowtype;
begin
    -- The gateway's event came first and did not name our id. So it was recorded as a refund that
    -- was made there, and is void now.
    if p_refund.gateway_refund_id is distinct from p_gateway_refund_id then
        update refunds r set void = true, gateway_refund_id = null,
            last_error = 'the same as ' || p_refund.refund_id
        where r.shop = p_refund.shop and r.gateway = p_refund.gateway
            and r.gateway_refund_id = p_gateway_refund_id and r.reason = 'gateway'
            and not r.bounced
        returning r.status into v_twin;
        v_to := case when v_twin = 'settled' and v_to = 'pending' then v_twin else v_to end;
    end if;
    -- the gateway's id of another refund stays there
    if not exists (
        select from refunds o
        where o.shop = p_refund.shop and o.gateway = p_refund.gateway
            and o.gateway_refund_id = p_gateway_refund_id)
    then
        v_gateway_refund_id := p_gateway_refund_id;
    end if;
    update refunds r
    set status = v_to, bounced = r.bounced or p_bounced,
        void = r.void or (p_bounced and r.reason = 'gateway'),
        gateway_refund_id = coalesce(v_gateway_refund_id, r.gateway_refund_id),
        settled_at = case when v_to = 'settled' then v_now else r.settled_at end,
        last_error = p_error
    where r.shop = p_refund.shop and r.refund_id = p_refund.refund_id and not r.bounced
        and case when v_to = 'settled' then r.status <> 'settled'
            when v_to = 'pending' then r.status not in ('pending', 'settled')
            when v_to = 'failed' then p_bounced or r.status in ('owed', 'sending') end
    returning * into v_refund;
    if not found then
        o_outcome := 'no_effect';
        return;
    end if;
    o_outcome := 'recorded';
    if v_to <> 'pending' then
        insert into outbox_messages (shop, topic, subject, body, created_at)
        values (v_refund.shop, 'refund.' || v_to,
            -- a refund can fail each time it is sent, be stopped, and fail once for good
            v_refund.refund_id || case when v_to <> 'failed' then ''
                when p_bounced then ':bounced'
                else ':' || v_refund.attempts
                    -- it fails without a try
                    || case when p_refund.status = 'owed' then ':stopped' else '' end end,
            refund_describe(v_refund) - '{next_try_at,looked_up_at}'::text[], v_now)
        on conflict do nothing;
    end if;
    perform order_refund_status(v_refund.shop, v_refund.order_id);
end;
$$;
