-- A checkout as its readers see it: the lines of its last generation. It reads as `expired` as soon
-- as it is due by the database's clock, swept or not. No row: there is none, or it belongs to
-- another customer than p_customer. Locks the row FOR KEY SHARE: an answer is an acknowledgement,
-- so its commit must flush what was committed early.
create or replace function holdfast.checkout_describe(
    p_shop text, p_checkout_id uuid, p_customer text) returns setof holdfast.checkout_view
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_view checkout_view;
    v_generation integer;
begin
    select c.customer, c.status, c.revision, c.generation, c.expires_at
    into v_view.o_customer, v_view.o_status, v_view.o_revision, v_generation, v_view.o_expires_at
    from checkouts c
    where c.shop = p_shop and c.checkout_id = p_checkout_id
        and (p_customer is null or c.customer = p_customer)
    for key share;
    if not found then
        return;
    end if;
    v_view.o_server_time := clock_timestamp();
    if v_view.o_status in ('open', 'ordered') and v_view.o_expires_at <= v_view.o_server_time then
        v_view.o_status := 'expired';
    end if;
    select s.currency into v_view.o_currency from shops s where s.shop = p_shop;
    select array_agg(h.sku order by h.sku), array_agg(h.quantity order by h.sku),
        array_agg(h.price_minor order by h.sku)
    into v_view.o_skus, v_view.o_quantities, v_view.o_prices
    from holds h
    where h.shop = p_shop and h.checkout_id = p_checkout_id and h.generation = v_generation;
    return next v_view;
end;
$$;
