-- One attempt of order_book, in the caller's transaction: checkout_hold_cart without the
-- storefront's bounds, then order_make in the dispatcher's name. Outcomes beside those of
-- order_book: their `again` and `reclaim`. Only `booked` and `same` can be committed. Locks: the
-- checkout, the coupon, the customer's counts, then stock levels by sku.
create or replace function holdfast.order_book_attempt(
    p_shop text, p_checkout_id uuid, p_customer text, p_request_hash bytea, p_order_id uuid,
    p_reference text, p_coupon text, p_actor text, p_skus text[], p_quantities integer[],
    p_reclaim boolean) returns holdfast.order_answer
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_begun checkout_answer;
    v_answer order_answer;
begin
    -- checkout_hold_cart locks stock levels, and order_make locks the coupon. In the lock order
    -- the coupon comes first, so it is locked here, after the checkout if that exists already.
    if p_coupon is not null then
        perform from checkouts c where c.shop = p_shop and c.checkout_id = p_checkout_id
            for no key update;
        perform from coupons c where c.shop = p_shop and c.code = p_coupon for no key update;
    end if;
    v_begun := checkout_hold_cart(p_shop, p_checkout_id, p_customer, 1, p_request_hash, null,
        p_skus, p_quantities, false, p_reclaim);
    if v_begun.o_outcome not in ('placed', 'same') then
        v_answer.o_outcome := v_begun.o_outcome;
        v_answer.o_refused_skus := v_begun.o_refused_skus;
        v_answer.o_refused_available := v_begun.o_refused_available;
        v_answer.o_reclaim := v_begun.o_reclaim;
        return v_answer;
    end if;
    v_answer := order_make(p_shop, p_checkout_id, p_customer, p_request_hash, p_order_id,
        p_reference, 'offline', p_coupon, null, null, false, p_actor, p_reclaim);
    if v_answer.o_outcome in ('created', 'same') then
        v_answer.o_outcome := case v_answer.o_outcome when 'created' then 'booked' else 'same' end;
        v_answer.o_order := order_desk_describe(p_shop, (v_answer.o_order ->> 'order_id')::uuid);
    else
        v_answer.o_order := null;
        -- the hold is placed, and must not be committed alone
        insert into must_roll_back (shop) values (p_shop);
    end if;
    return v_answer;
end;
$$;
