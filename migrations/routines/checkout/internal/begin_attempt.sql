-- One attempt of checkout_begin, in the caller's transaction: checkout_hold_cart within the shop's
-- most units of a cart and of a line.
create or replace function holdfast.checkout_begin_attempt(
    p_shop text, p_checkout_id uuid, p_customer text, p_revision integer, p_request_hash bytea,
    p_hold_s integer, p_skus text[], p_quantities integer[], p_reclaim boolean)
    returns holdfast.checkout_answer
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    return checkout_hold_cart(p_shop, p_checkout_id, p_customer, p_revision, p_request_hash,
        p_hold_s, p_skus, p_quantities, true, p_reclaim);
end;
$$;
