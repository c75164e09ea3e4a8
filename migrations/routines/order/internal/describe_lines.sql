-- The lines of an order as staff see them, as the JSON of the HTTP contract: with their returned
-- units and their shares of the discount.
create or replace function holdfast.order_describe_lines(p_shop text, p_order_id uuid)
    returns jsonb
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return (
        select jsonb_agg(jsonb_build_object('sku', l.sku, 'quantity', l.quantity,
            'returned', l.returned, 'price_minor', l.price_minor,
            'discount_minor', l.discount_minor) order by l.sku)
        from order_lines l where l.shop = p_shop and l.order_id = p_order_id);
end;
$$;
