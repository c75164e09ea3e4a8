-- A checkout as its readers see it: the lines of its last take, and `expired` as soon as it is due
-- by the database's clock, whether or not a sweep has come by. No row when there is none, or when
-- p_customer is given and is somebody else. Locks the row FOR KEY SHARE: an answer is an
-- acknowledgement, so its commit must flush what was committed early.
create or replace function holdfast.checkout_describe(
    p_shop text, p_checkout_id uuid, p_customer text,
    out o_customer text, out o_status text, out o_revision integer, out o_currency text,
    out o_expires_at timestamptz, out o_server_time timestamptz,
    out o_skus text[], out o_quantities integer[], out o_prices bigint[])
returns setof record
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_take integer;
begin
    select c.customer, c.status, c.revision, c.take, c.expires_at
    into o_customer, o_status, o_revision, v_take, o_expires_at
    from checkouts c
    where c.shop = p_shop and c.checkout_id = p_checkout_id
        and (p_customer is null or c.customer = p_customer)
    for key share;
    if not found then
        return;
    end if;
    o_server_time := clock_timestamp();
    if o_status in ('open', 'ordered') and o_expires_at <= o_server_time then
        o_status := 'expired';
    end if;
    select s.currency into o_currency from shops s where s.shop = p_shop;
    select array_agg(h.sku order by h.sku), array_agg(h.quantity order by h.sku),
        array_agg(h.price_minor order by h.sku)
    into o_skus, o_quantities, o_prices
    from holds h where h.shop = p_shop and h.checkout_id = p_checkout_id and h.take = v_take;
    return next;
end;
$$;
