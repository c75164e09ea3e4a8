-- Releases a checkout. Its stock is available again at once, and an order that awaits its payment
-- is cancelled (money that arrives later is a late payment). A release of an ended checkout answers
-- the same and changes nothing. Outcomes: released, checkout_paid. No row: not found. Locks: the
-- checkout, then as checkout_give_back.
create or replace function holdfast.checkout_release(
    p_shop text, p_checkout_id uuid, p_customer text) returns setof holdfast.checkout_view
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_status text;
    v_view checkout_view;
begin
    select c.status into v_status from checkouts c
    where c.shop = p_shop and c.checkout_id = p_checkout_id
        and (p_customer is null or c.customer = p_customer)
    for no key update;
    if not found then
        return;
    end if;
    if v_status in ('open', 'ordered') then
        perform checkout_give_back(p_shop, array[p_checkout_id], 'released');
    end if;
    select * into v_view from checkout_describe(p_shop, p_checkout_id, null);
    v_view.o_outcome := case when v_status = 'paid' then 'checkout_paid' else 'released' end;
    return next v_view;
end;
$$;
