-- The disputes of a payment, oldest first, at most p_limit, as a JSON array. No locks.
create or replace function holdfast.payment_describe_disputes(
    p_shop text, p_reference text, p_limit integer) returns jsonb
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return (
        select coalesce(jsonb_agg(to_jsonb(d) - '{shop,reference}'::text[]
            order by d.opened_at, d.dispute_id), '[]')
        from (
            select * from disputes d where d.shop = p_shop and d.reference = p_reference
            order by d.opened_at desc, d.dispute_id limit p_limit) d);
end;
$$;
