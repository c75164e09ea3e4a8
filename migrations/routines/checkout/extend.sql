-- Extends the hold of an open checkout to p_hold_s seconds from now (null: the shop's default). The
-- hold never ends later than the shop's hold_s_max after the checkout began, and never becomes
-- shorter. Outcomes: extended, checkout_ordered, checkout_ended, hold_too_long (p_hold_s is more
-- than hold_s_max). No row: not found. Locks: the checkout. Stock does not change: the units are
-- held already.
create or replace function holdfast.checkout_extend(
    p_shop text, p_checkout_id uuid, p_customer text, p_hold_s integer)
    returns setof holdfast.checkout_view
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_checkout checkouts%rowtype;
    v_shop shops%rowtype;
    v_now timestamptz;
    v_expires_at timestamptz;
    v_outcome text;
    v_view checkout_view;
begin
    select * into v_checkout from checkouts c
    where c.shop = p_shop and c.checkout_id = p_checkout_id
        and (p_customer is null or c.customer = p_customer)
    for no key update;
    if not found then
        return;
    end if;
    select * into strict v_shop from shops s where s.shop = p_shop;
    v_now := clock_timestamp();
    v_outcome := case
        -- every routine shows a due checkout as expired, even if it has an order
        when v_checkout.status not in ('open', 'ordered') or v_checkout.expires_at <= v_now
            then 'checkout_ended'
        when v_checkout.status = 'ordered' then 'checkout_ordered'
        when p_hold_s > v_shop.hold_s_max then 'hold_too_long'
        else 'extended'
    end;
    if v_outcome = 'extended' then
        v_expires_at := greatest(v_checkout.expires_at, least(
            v_now + make_interval(secs => coalesce(p_hold_s, v_shop.hold_s_default)),
            v_checkout.created_at + make_interval(secs => v_shop.hold_s_max)));
        update checkouts c set expires_at = v_expires_at
        where c.shop = p_shop and c.checkout_id = p_checkout_id;
        update holds h set expires_at = v_expires_at
        where h.shop = p_shop and h.checkout_id = p_checkout_id
            and h.generation = v_checkout.generation
            and coalesce(h.resolved_at, 'infinity') = 'infinity';
    end if;
    select * into v_view from checkout_describe(p_shop, p_checkout_id, null);
    v_view.o_outcome := v_outcome;
    return next v_view;
end;
$$;
