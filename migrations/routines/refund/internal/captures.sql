-- The captures that can be refunded, in the order in which they are given back: money in review
-- first, then the newest. All captures in one currency, or the named one. The caller has locked the
-- order.
create or replace function holdfast.refund_captures(
    p_shop text, p_reference text, p_currency text, p_gateway_payment_id text)
    returns setof holdfast.payment_captures
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return query
    select c.* from payment_captures c
    where c.shop = p_shop and c.reference = p_reference and c.amount_minor is not null
        and case when p_gateway_payment_id is null then c.currency = p_currency
            else c.gateway_payment_id = p_gateway_payment_id end
    order by c.counts or c.accepted, c.captured_at desc, c.gateway_payment_id;
end;
$$;
