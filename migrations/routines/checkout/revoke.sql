-- Staff end a checkout, with a reason, so that its stock is available again at once. An order that
-- awaits its payment is cancelled (money that arrives later is a late payment), as by
-- checkout_release. The next sweep closes its session at the gateway. Announced as
-- `checkout.revoked`. Outcomes: revoked; same (staff ended it before: no second effect);
-- checkout_paid; checkout_ended (it was released or has expired). No row: not found. Locks: the
-- checkout, then as checkout_give_back.
create or replace function holdfast.checkout_revoke(
    p_shop text, p_checkout_id uuid, p_actor text, p_note text)
    returns setof holdfast.checkout_view
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz;
    v_status text;
    v_view checkout_view;
    v_outcome text;
    v_body jsonb;
begin
    select c.status into v_status from checkouts c
    where c.shop = p_shop and c.checkout_id = p_checkout_id
        for no key update;  -- guard(hold_resolves_once)
    if not found then
        return;
    end if;
    -- race(hold_resolves_once): read, nothing written
    v_now := clock_timestamp();
    v_outcome := case
        when v_status = 'paid' then 'checkout_paid'
        when v_status in ('open', 'ordered') then 'revoked'
        when exists (select from checkout_revocations r
            where r.shop = p_shop and r.checkout_id = p_checkout_id) then 'same'
        else 'checkout_ended'
    end;
    if v_outcome = 'revoked' then
        insert into checkout_revocations (shop, checkout_id, actor, note, revoked_at)
        values (p_shop, p_checkout_id, p_actor, p_note, v_now);
        select jsonb_build_object('checkout_id', p_checkout_id, 'order_id', o.order_id,
                'reference', p.reference, 'customer', c.customer, 'note', p_note,
                'revoked_at', v_now,
                'lines', (
                    select jsonb_agg(jsonb_build_object('sku', h.sku, 'quantity', h.quantity)
                        order by h.sku)
                    from holds h
                    where h.shop = p_shop and h.checkout_id = p_checkout_id
                        and h.generation = c.generation))
        into v_body
        from checkouts c
            left join orders o on o.shop = p_shop and o.checkout_id = p_checkout_id
            left join payments p on p.shop = p_shop and p.order_id = o.order_id
        where c.shop = p_shop and c.checkout_id = p_checkout_id;
        insert into outbox_messages (shop, topic, subject, body, created_at)
        values (p_shop, 'checkout.revoked', p_checkout_id::text, v_body, v_now)
        -- the id of a forgotten checkout, used again
        on conflict do nothing;
        perform checkout_give_back(p_shop, array[p_checkout_id], 'released');
    end if;
    select * into v_view from checkout_describe(p_shop, p_checkout_id, null);
    v_view.o_outcome := v_outcome;
    return next v_view;
end;
$$;
