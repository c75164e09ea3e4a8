-- Records a gateway's answer to a refund that was sent or looked up. p_result:
-- - `pending`: accepted;
-- - `settled`: finished. Without the gateway's id of it, a person has paid it in another way: a
--   refund that failed at the gateway for good is then replaced by a settled one;
-- - `failed`: with the gateway's id of it: made, and failed there; without an id: refused, and a
--   person must look;
-- - `retry`: no answer, or an error that may pass. It is sent again after a pause that doubles from
--   half a minute to an hour, 20 times (about 14 hours). Then it has failed, until a person sends
--   it again.
-- Use refund_untried for claims that were not tried. Outcomes: recorded, no_effect (it has this
-- status or a later one already: a webhook was faster), not_found. Locks: the checkout, the order,
-- the payment, the refund, the capture.
create or replace function holdfast.refund_report(
    p_shop text, p_refund_id uuid, p_result text, p_gateway_refund_id text, p_error text,
    out o_outcome text)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_order_id uuid;
    v_refund refunds%rowtype;
    v_error text := left(p_error, 1000);
    v_next_try_at timestamptz;
begin
    if p_result not in ('pending', 'settled', 'failed', 'retry') then
        raise exception using errcode = 'invalid_parameter_value',
            message = format('refund_report: no such result: %s', p_result);
    end if;
    select r.order_id into v_order_id from refunds r
    where r.shop = p_shop and r.refund_id = p_refund_id;
    if not found then
        o_outcome := 'not_found';
        return;
    end if;
    perform order_desk_lock(p_shop, null, v_order_id);
    select * into v_refund from refunds r
    where r.shop = p_shop and r.refund_id = p_refund_id for no key update;
    if v_refund.bounced and not v_refund.void and p_result = 'settled'
        and p_gateway_refund_id is null
    then
        v_refund := refund_replace(v_refund, 'holdfast', true);
    end if;
    if p_result = 'retry' and v_refund.attempts % 20 <> 0 then
        -- with jitter: refunds that failed together are not sent again together
        v_next_try_at := clock_timestamp() + (0.5 + random() / 2)
            * least(interval '30 seconds' * 2 ^ (v_refund.attempts % 20 - 1), interval '1 hour');
        update refunds r
        set status = 'owed', last_error = v_error, next_try_at = v_next_try_at
        where r.shop = p_shop and r.refund_id = p_refund_id and r.status = 'sending';
        o_outcome := case when found then 'recorded' else 'no_effect' end;
    else
        o_outcome := refund_move(v_refund,
            case p_result when 'retry' then 'failed' else p_result end, p_gateway_refund_id,
            p_result = 'failed' and p_gateway_refund_id is not null, v_error);
    end if;
end;
$$;
