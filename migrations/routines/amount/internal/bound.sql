-- The amounts that a gateway takes in a currency, in minor units: from o_minimum_minor to
-- o_maximum_minor (null: the gateway publishes none), in multiples of o_step_minor. These are the
-- published bounds (docs/gateways.md). An account may have narrower ones, and Stripe converts its
-- minimum for an account of another currency. Then the gateway itself refuses.
create or replace function holdfast.amount_bound(
    p_gateway text, p_currency text,
    out o_minimum_minor bigint, out o_maximum_minor bigint, out o_step_minor bigint)
language plpgsql immutable set search_path = holdfast, pg_temp as $$
begin
    o_step_minor := case p_gateway when 'cashfree' then 1 else currency_step(p_currency) end;
    if p_gateway <> 'stripe' then
        o_minimum_minor := 10 ^ currency_digits(p_currency);
        return;
    end if;
    -- one step where Stripe's table has no minimum
    o_minimum_minor := case
        when p_currency in ('AUD', 'BRL', 'CAD', 'CHF', 'EUR', 'INR', 'JPY', 'NZD', 'SGD', 'USD')
            then 50
        when p_currency = 'GBP' then 30
        when p_currency = 'BGN' then 100
        when p_currency in ('AED', 'MYR', 'PLN', 'RON') then 200
        when p_currency = 'DKK' then 250
        when p_currency in ('NOK', 'SEK') then 300
        when p_currency = 'HKD' then 400
        when p_currency in ('MXN', 'THB') then 1000
        when p_currency = 'CZK' then 1500
        when p_currency = 'HUF' then 17500
        else o_step_minor end;
    -- twelve digits of Stripe's unit, which is a hundredth for ISK and UGX, and an ariary
    o_maximum_minor := case
        when p_currency in ('ISK', 'UGX') then 9999999999
        when p_currency = 'MGA' then 99999999999900
        else 999999999999 - 999999999999 % o_step_minor end;
end;
$$;
