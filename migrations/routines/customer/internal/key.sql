-- The key under which a shop counts a customer: for limits on units and checkouts, and for uses of
-- a coupon. Every other routine compares customers as they are.
--
-- If the shop folds its customers' names, names count as one that differ only in
-- - case, in any script ("STRASSE" and "straße"; Turkish İ is not i, but ı is);
-- - compatible forms (full-width letters, ligatures, composed and decomposed accents: NFKC);
-- - spaces at the ends, and how many and which spaces stand between;
-- - characters that show nothing (zero-width ones, soft hyphens, marks of direction, tags).
-- Letters that only look alike (Latin a, Cyrillic а), dots and tags of mail addresses stay
-- different.
--
-- The collation und-x-icu says which letters belong together, because lower() of "C" knows ASCII
-- alone, and the database's own locale may be any. lower, upper, lower: the two forms of ß and both
-- small sigmas meet only there. PL/pgSQL, because it looks a collation up when it runs. No locks.
create or replace function holdfast.customer_key(p_shop text, p_customer text) returns text
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    -- for speed: printable ASCII without capitals and spaces is its own key
    if p_customer ~ '^[!-@\[-~]*$' then
        return p_customer;
    end if;
    if not exists (select from shops s where s.shop = p_shop and s.customers_folded) then
        return p_customer;
    end if;
    return btrim(regexp_replace(
        normalize(lower(upper(lower(
            normalize(regexp_replace(p_customer,
                '[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f'
                '\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb'
                '\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]',
                '', 'g'), nfkc)
            collate "und-x-icu") collate "und-x-icu") collate "und-x-icu"), nfkc) collate "C",
        '[\s\u0085\u1680\u2028\u2029\u2800]+', ' ', 'g'));
end;
$$;
