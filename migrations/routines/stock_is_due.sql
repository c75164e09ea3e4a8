-- Whether holds that are due (past expires_at, not yet resolved) claim any of these skus.
create or replace function holdfast.stock_is_due(p_shop text, p_skus text[], p_now timestamptz)
    returns boolean
language sql stable as $$
    select exists (
        select from holdfast.holds h
        where h.shop = p_shop and h.sku = any (p_skus) and h.status = 'active'
            and h.expires_at <= p_now)
$$;
