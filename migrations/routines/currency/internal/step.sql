-- The step of amounts that can be paid by card, in minor units: such an amount is a multiple of it.
-- Card networks take two digits of currencies with three, and whole ariary (docs/gateways.md).
create or replace function holdfast.currency_step(p_currency text) returns bigint
language sql immutable set search_path = holdfast, pg_temp as $$
    select case when currency_digits(p_currency) = 3 then 10 when p_currency = 'MGA' then 100
        else 1 end
$$;
