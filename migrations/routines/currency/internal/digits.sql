-- Digits after the decimal point of a currency (ISO 4217). A test compares them with those of the
-- functions.
create or replace function holdfast.currency_digits(p_currency text) returns integer
language sql immutable set search_path = holdfast, pg_temp as $$
    select case
        when p_currency in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF',
            'UGX', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
        when p_currency in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
        else 2
    end
$$;
