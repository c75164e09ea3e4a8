-- Creates a shop, or renames it. The currency of a shop that exists does not change: prices are in
-- it.
create or replace function holdfast.shop_put(p_shop text, p_name text, p_currency text) returns void
language plpgsql set search_path = holdfast, pg_temp as $$
begin
    insert into shops (shop, name, currency) values (p_shop, p_name, p_currency)
    on conflict (shop) do update set name = excluded.name where shops.currency = excluded.currency;
    if not found then
        raise exception using errcode = 'check_violation',
            message = format('shop %s has another currency than %s', p_shop, p_currency),
            hint = 'Sell in another currency under another shop code.';
    end if;
end;
$$;
