-- An order as staff see it, as the JSON of the HTTP contract: with its version, its dispatcher, and
-- the returned units of each line. Locks the order FOR KEY SHARE: an answer is an acknowledgement
-- (see checkout_describe).
create or replace function holdfast.order_desk_describe(p_shop text, p_order_id uuid) returns jsonb
language plpgsql set search_path = holdfast, pg_temp as $$
declare
    v_order jsonb := order_describe(p_shop, p_order_id);
    v_lines jsonb := order_describe_lines(p_shop, p_order_id);
begin
    return v_order - '{address,address_id,expires_at}'::text[]
        || (
            select jsonb_build_object(
                'placed_by', o.placed_by,
                'version', o.version,
                'created_at', o.created_at,
                'lines', v_lines)
            from orders o where o.shop = p_shop and o.order_id = p_order_id);
end;
$$;
