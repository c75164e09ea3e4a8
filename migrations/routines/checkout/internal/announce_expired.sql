-- Announces that these checkouts expire, with the lines that they held; once for each generation.
-- The caller has locked the checkouts, and has not ended them yet.
create or replace function holdfast.checkout_announce_expired(p_shop text, p_checkout_ids uuid[])
    returns void
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_subjects text[];
    v_bodies jsonb[];
begin
    select array_agg(format('%s:%s', c.checkout_id, c.generation)),
        array_agg(jsonb_build_object('checkout_id', c.checkout_id, 'order_id', o.order_id,
            'reference', p.reference, 'customer', c.customer, 'expired_at', c.expires_at,
            'lines', (
                select jsonb_agg(jsonb_build_object('sku', h.sku, 'quantity', h.quantity)
                    order by h.sku)
                from holds h
                where h.shop = p_shop and h.checkout_id = c.checkout_id
                    and h.generation = c.generation)))
    into v_subjects, v_bodies
    from checkouts c
        left join orders o on o.shop = p_shop and o.checkout_id = c.checkout_id
        left join payments p on p.shop = p_shop and p.order_id = o.order_id
    where c.shop = p_shop and c.checkout_id = any (p_checkout_ids)
        and coalesce(c.ended_at, 'infinity') = 'infinity';
    insert into outbox_messages (shop, topic, subject, body, created_at)
    select p_shop, 'checkout.expired', b.subject, b.body, clock_timestamp()
    from unnest(v_subjects, v_bodies) b (subject, body);
end;
$$;
