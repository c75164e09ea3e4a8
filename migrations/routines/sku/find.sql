-- Finds skus by what a clerk types: each typed word begins a word of the sku's code or title, in
-- capitals or not. At most p_limit, retired ones included: the sku with exactly this code first,
-- then those whose code begins with the text, then by code. Reads at most p_scan of the skus that
-- fit, so the best of a very common word may be missing. No locks.
create or replace function holdfast.sku_find(
    p_shop text, p_q text, p_limit integer, p_scan integer) returns jsonb
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_words text[] := sku_words(p_shop, p_q);
    -- Words have no quotation marks and no backslashes. Eight are enough to find one sku.
    v_query tsquery := array_to_string(array(
        select '''' || w.word || '''' || case when w.nth > 1 then ':*' else '' end
        from unnest(v_words[1:9]) with ordinality w (word, nth)), ' & ')::tsquery;
    v_skus text[];
begin
    if cardinality(v_words) < 2 then
        return '[]';
    end if;
    v_skus := array(
        select fits.sku
        from (
            (select k.sku from skus k
            where k.shop = p_shop
                and array_to_tsvector(sku_words(k.shop, k.sku || ' ' || k.title)) @@ v_query
            limit p_scan)
            union
            select k.sku from skus k where k.shop = p_shop and k.sku = p_q) fits
        order by fits.sku = p_q desc, starts_with(upper(fits.sku), upper(p_q)) desc, fits.sku
        limit p_limit);
    return (
        select coalesce(jsonb_agg(sku_read(p_shop, best.sku) order by best.nth), '[]')
        from unnest(v_skus) with ordinality best (sku, nth));
end;
$$;
