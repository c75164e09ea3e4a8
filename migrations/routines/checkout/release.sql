-- Lets a checkout go: its stock is available again at once, an order that awaits its payment is
-- cancelled (money that arrives all the same is a late payment). Once it has ended, releasing it
-- again answers the same. Outcomes: released, checkout_paid; no row: not found. Locks: the
-- checkout, then as checkout_let_go.
create or replace function holdfast.checkout_release(
    p_shop text, p_checkout_id uuid, p_customer text,
    out o_outcome text, out o_customer text, out o_status text, out o_revision integer,
    out o_currency text,
    out o_expires_at timestamptz, out o_server_time timestamptz,
    out o_skus text[], out o_quantities integer[], out o_prices bigint[])
returns setof record
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_status text;
begin
    select c.status into v_status from checkouts c
    where c.shop = p_shop and c.checkout_id = p_checkout_id
        and (p_customer is null or c.customer = p_customer)
    for no key update;
    if not found then
        return;
    end if;
    if v_status in ('open', 'ordered') then
        perform checkout_let_go(p_shop, array[p_checkout_id], 'released');
    end if;
    o_outcome := case when v_status = 'paid' then 'checkout_paid' else 'released' end;
    select d.* into o_customer, o_status, o_revision, o_currency, o_expires_at, o_server_time,
        o_skus, o_quantities, o_prices
    from checkout_describe(p_shop, p_checkout_id, null) d;
    return next;
end;
$$;
