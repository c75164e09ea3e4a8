-- Ends checkouts because units of p_sku are missing, and announces each one. The shop must tell the
-- customer, who did nothing wrong. An order that awaits its payment is cancelled; money that
-- arrives later is a late payment. The checkout ends here, so a generation breaks at most once:
-- checkout and generation are the message's key. The caller has locked the checkouts, and each of
-- them holds p_sku. Returns the units that the caller must take out of `held`. Locks: as
-- checkout_end.
create or replace function holdfast.checkout_break(
    p_shop text, p_checkout_ids uuid[], p_sku text, p_reason text, p_note text,
    out o_skus text[], out o_units integer[])
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_subjects text[];
    v_bodies jsonb[];
begin
    select array_agg(format('%s:%s', c.checkout_id, c.generation)),
        array_agg(jsonb_build_object(
            'checkout_id', c.checkout_id, 'customer', c.customer, 'order_id', o.order_id,
            'reference', p.reference, 'sku', p_sku, 'quantity', h.quantity,
            'reason', p_reason, 'note', p_note))
    into v_subjects, v_bodies
    from checkouts c
        join holds h on h.shop = p_shop and h.checkout_id = c.checkout_id
            and h.generation = c.generation and h.sku = p_sku
        left join orders o on o.shop = p_shop and o.checkout_id = c.checkout_id
        left join payments p on p.shop = p_shop and p.order_id = o.order_id
    where c.shop = p_shop and c.checkout_id = any (p_checkout_ids);
    insert into outbox_messages (shop, topic, subject, body, created_at)
    select p_shop, 'checkout.broken', b.subject, b.body, clock_timestamp()
    from unnest(v_subjects, v_bodies) b (subject, body);
    select e.o_skus, e.o_units into o_skus, o_units
    from checkout_end(p_shop, p_checkout_ids, 'released') e;
end;
$$;
