-- The decision and the work of order_book, in the caller's transaction: checkout_begin_core, then
-- order_create_core in the dispatcher's name. Outcomes beside those of order_book: `again`,
-- `reclaim` and `reclaim_customer`, as in checkout_begin_core; `reclaim_coupon`, as in
-- order_create_core. Of what is neither `booked` nor `same`, nothing can be committed. Locks: the
-- checkout, the coupon, the customer's counts, then stock levels by sku.
create or replace function holdfast.order_book_core(
    p_shop text, p_checkout_id uuid, p_customer text, p_request_hash bytea, p_order_id uuid,
    p_reference text, p_coupon text, p_actor text, p_skus text[], p_quantities integer[],
    out o_outcome text, out o_order jsonb,
    out o_refused_skus text[], out o_refused_available integer[])
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_order_id uuid;
begin
    -- Begin locks stock levels, and the order its coupon after it. To keep the lock order, the
    -- coupon is locked here already, behind the checkout when this is a retry.
    if p_coupon is not null then
        perform from checkouts c where c.shop = p_shop and c.checkout_id = p_checkout_id
            for no key update;
        perform from coupons c where c.shop = p_shop and c.code = p_coupon for no key update;
    end if;
    select b.o_outcome, b.o_refused_skus, b.o_refused_available
    into o_outcome, o_refused_skus, o_refused_available
    from checkout_begin_core(
        p_shop, p_checkout_id, p_customer, 1, p_request_hash, null, p_skus, p_quantities) b;
    if o_outcome not in ('placed', 'same') then
        return;
    end if;
    select c.o_outcome, c.o_order ->> 'order_id' into o_outcome, v_order_id
    from order_create_core(
        p_shop, p_checkout_id, p_customer, p_request_hash, p_order_id, p_reference, 'offline',
        p_coupon, null, null, false, p_actor) c;
    if o_outcome not in ('created', 'same') then
        -- the hold is placed: that alone must not be committed
        insert into refused_work (shop) values (p_shop);
        return;
    end if;
    o_outcome := case o_outcome when 'created' then 'booked' else 'same' end;
    o_order := order_desk_describe(p_shop, v_order_id);
end;
$$;
