-- The promises about the checkouts that the given customers have at a time. No locks.
create or replace function holdfast.promises_customers(
    p_shop text, p_subjects holdfast.promise_subject[])
    returns table (kind text, a text, b text, promise text, violation jsonb)
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return query
    select 'customer', o.customer, '', 'a_limit_is_never_exceeded', jsonb_build_object(
        'customer', o.customer, 'open', o.open, 'checkouts', c.checkouts, 'open_max', o.open_max)
    from unnest(p_subjects) s
        join customer_checkouts o on o.shop = p_shop and o.customer = s.a
        cross join lateral (
            select count(*) as checkouts from checkouts c
            where c.shop = p_shop and c.counted_as = o.customer) c
    where s.kind = 'customer' and (o.open <> c.checkouts or o.open > o.open_max);
end;
$$;
