-- Fails each refund of an order that a bank's dispute makes a double payment, so that a person
-- decides: owed, or claimed by a sender whose answer is not known yet, and not confirmed by staff.
-- If the gateway has made a claimed one, its answer or its webhook still moves it on. The caller
-- has locked checkout, order and payment. Locks: the refunds.
create or replace function holdfast.refund_stop_disputed(p_shop text, p_order_id uuid) returns void
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_refund refunds%rowtype;
begin
    for v_refund in
        select * from refunds r
        where r.shop = p_shop and r.order_id = p_order_id and r.status in ('owed', 'sending')
            and not r.void and not r.despite_dispute
            -- as payment_is_disputed: a refund that it does not concern is not locked
            and exists (
                select from disputes d
                where d.shop = p_shop and d.reference = r.reference
                    and d.status in ('open', 'lost')
                    and (d.gateway_payment_id = r.gateway_payment_id) is not false)
        order by r.refund_id
        for no key update of r
    loop
        perform refund_move(v_refund, 'failed', null, false, 'a bank disputes the payment');
    end loop;
end;
$$;
