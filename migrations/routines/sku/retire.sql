-- Takes a sku off sale for good. Its present checkouts go on; its stock and its ledger stay. A
-- retry changes nothing. Answers the sku, as JSON. Null: there is none. Locks: the sku.
create or replace function holdfast.sku_retire(p_shop text, p_sku text) returns jsonb
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    update skus k set retired_at = now()
    where k.shop = p_shop and k.sku = p_sku and k.retired_at is null;
    return sku_read(p_shop, p_sku);
end;
$$;
