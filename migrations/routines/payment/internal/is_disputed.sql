-- Whether a bank asks for the money of this payment, or has taken it: a refund would pay it twice.
-- p_gateway_payment_id null: any payment of the order. No locks.
create or replace function holdfast.payment_is_disputed(
    p_shop text, p_reference text, p_gateway_payment_id text) returns boolean
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return exists (
        select from disputes d
        where d.shop = p_shop and d.reference = p_reference and d.status in ('open', 'lost')
            and coalesce(d.gateway_payment_id = p_gateway_payment_id, true));
end;
$$;
