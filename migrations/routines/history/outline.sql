-- What history_matches finds, each checkout by what a person recognizes it by: its customer, the
-- name and the telephone number of its order, its status, its payment's reference, its beginning.
-- The whole history of twenty checkouts is some hundred statements, and a page of results shows
-- none of it. No locks.
create or replace function holdfast.history_outline(
    p_shop text, p_q text, p_id uuid, p_limit integer, p_rows integer, p_scan integer,
    out o_found jsonb, out o_unmatched_events jsonb, out o_truncated boolean)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_ids uuid[];
begin
    select m.o_ids, m.o_unmatched_events, m.o_truncated
    into v_ids, o_unmatched_events, o_truncated
    from history_matches(p_shop, p_q, p_id, p_limit, p_rows, p_scan) m;
    select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
            'checkout_id', c.checkout_id, 'customer', c.customer,
            'status', coalesce(o.status, c.status::text), 'created_at', c.created_at,
            'recipient', o.address ->> 'recipient', 'phone', o.address ->> 'phone',
            'reference', p.reference)) order by f.nth), '[]')
    into o_found
    from unnest(v_ids) with ordinality f (checkout_id, nth)
        cross join lateral (
            select * from checkouts c
            where c.shop = p_shop and c.checkout_id = f.checkout_id limit 1) c
        left join lateral (
            select * from orders o
            where o.shop = p_shop and o.checkout_id = f.checkout_id limit 1) o on true
        left join lateral (
            select * from payments p
            where p.shop = p_shop and p.order_id = o.order_id limit 1) p on true;
end;
$$;
