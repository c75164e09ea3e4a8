-- Whether this shop limits its customers, in checkouts or in units of one of these skus. No locks.
create or replace function holdfast.limit_applies(p_shop text, p_skus text[]) returns boolean
language plpgsql set search_path = holdfast, pg_temp as $$
begin
    return exists (
        select from shops s where s.shop = p_shop and s.checkouts_per_customer_max is not null
        union all
        select from skus k
        where k.shop = p_shop and k.sku = any (p_skus) and k.limit_per_customer is not null);
end;
$$;
