-- For each row of a range of chunks: its changes to the catalogue and the stock, and its outcome
-- now: created, changed, unchanged, or refused with the field, its value and the reason. A field
-- that a row omits stays as it is. A row that would change nothing is unchanged, even with a stale
-- version: a file that is sent twice is no stale edit. changes: of a created or changed row, JSON,
-- [{field, before, after}], with the beginning of long texts. No locks.
--
-- Each "limit 1" makes the planner look up one row by its whole key. The statistics of a table that
-- an import is filling are wrong, and the planner would read all rows of a shop for each row.
create or replace function holdfast.import_judge(
    p_shop text, p_import_id uuid, p_part integer, p_chunk integer, p_to_part integer,
    p_to_chunk integer)
returns table (
    part integer, chunk integer, row_no bigint, sku text, outcome_before text,
    refusals_before text, changes_before text, outcome text, refusals text, changes text,
    changes_sku boolean, changes_level boolean,
    title text, attributes jsonb, price_minor bigint,
    sale_opens_at timestamptz, sale_closes_at timestamptz, limit_per_customer integer,
    retired boolean, low_stock_threshold integer, on_hand integer, expected_version bigint,
    on_hand_now integer, departs_at timestamptz)
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    return query
    select c.part, c.chunk, r.row_no, r.sku, r.outcome, r.refusals, r.changes,
        case when f.refusals is not null then 'refused' when k.sku is null then 'created'
            when d.changes_sku or d.changes_level then 'changed' else 'unchanged' end,
        f.refusals, case when f.refusals is null then m.changes end, d.changes_sku,
        d.changes_level, t.title, t.attributes, t.price_minor,
        t.sale_opens_at, t.sale_closes_at, t.limit_per_customer, t.retired, t.low_stock_threshold,
        t.on_hand, r.expected_version, coalesce(l.on_hand, 0), t.departs_at
    from import_chunks c
        join shops s on s.shop = c.shop
        cross join lateral unnest(c.lines, c.skus, c.titles, c.attributes, c.attribute_changes,
            c.prices_minor, c.currencies, c.sale_opens_at, c.sale_opens_given, c.sale_closes_at,
            c.sale_closes_given, c.low_stock_thresholds, c.limits_per_customer, c.limits_given,
            c.retired, c.on_hand, c.expected_versions, c.malformed,
            c.outcomes, c.refusals, c.changes, c.departs_at, c.departs_given) with ordinality
            as r (line, sku, title, attributes, attribute_changes, price_minor, currency,
                sale_opens_at, opens_given, sale_closes_at, closes_given, low_stock_threshold,
                limit_per_customer, limit_given, retired, on_hand, expected_version, malformed,
                outcome, refusals, changes, departs_at, departs_given, row_no)
        left join lateral (
            select * from skus k where k.shop = p_shop and k.sku = r.sku limit 1) k on true
        left join lateral (
            select * from stock_levels l where l.shop = p_shop and l.sku = r.sku limit 1) l on true
        left join lateral (
            select i.part, i.line from import_skus i
            where i.shop = p_shop and i.import_id = p_import_id and i.sku = r.sku
            order by i.part, i.line limit 1) first on true
        cross join lateral (
            select coalesce(r.title, k.title) as title,
                coalesce(r.attributes::jsonb, import_merge(k.attributes, r.attribute_changes))
                    as attributes,
                coalesce(r.price_minor, k.price_minor) as price_minor,
                case when r.opens_given then r.sale_opens_at else k.sale_opens_at end
                    as sale_opens_at,
                case when r.closes_given then r.sale_closes_at else k.sale_closes_at end
                    as sale_closes_at,
                case when r.limit_given then r.limit_per_customer else k.limit_per_customer end
                    as limit_per_customer,
                -- null: staged without this field
                case when coalesce(r.departs_given, false) then r.departs_at else k.departs_at end
                    as departs_at,
                coalesce(r.retired, k.retired_at is not null) as retired,
                coalesce(r.low_stock_threshold, l.low_stock_threshold, 0) as low_stock_threshold,
                coalesce(r.on_hand, l.on_hand, 0) as on_hand) t
        cross join lateral (
            select k.sku is not null and (
                    k.title <> t.title or k.attributes <> t.attributes
                    or k.price_minor <> t.price_minor
                    or k.sale_opens_at is distinct from t.sale_opens_at
                    or k.sale_closes_at is distinct from t.sale_closes_at
                    or k.limit_per_customer is distinct from t.limit_per_customer
                    or k.departs_at is distinct from t.departs_at
                    or (k.retired_at is not null) <> t.retired) as changes_sku,
                k.sku is not null and (l.on_hand <> t.on_hand
                    or l.low_stock_threshold <> t.low_stock_threshold) as changes_level) d
        cross join lateral (
            select coalesce(r.malformed, case
                when (first.part, first.line) <> (c.part, r.line) then import_refusal('sku', r.sku,
                    format('is already in line %s of this file', first.line))
                when r.currency <> s.currency then import_refusal('currency', r.currency,
                    format('is not the shop''s currency, %s', s.currency))
                when t.title is null then import_refusal('title', null, 'is needed for a new sku')
                when t.price_minor is null then
                    import_refusal('price_minor', null, 'is needed for a new sku')
                when octet_length(t.attributes::text) > 131072 then import_refusal('attributes',
                    null, 'are longer than 131072 bytes')
                when r.attribute_changes is not null and not attributes_can_be_shown(t.attributes)
                    then import_refusal('attributes', left(t.attributes::text, 80),
                        'would be more than 100')
                when t.sale_closes_at <= t.sale_opens_at then import_refusal('sale_closes_at',
                    import_time(t.sale_closes_at), 'is not later than sale_opens_at')
                when k.sku is null and r.expected_version <> 0 then import_refusal(
                    'expected_version', r.expected_version::text, 'there is no such sku')
                when (d.changes_sku or d.changes_level) and r.expected_version <> l.version then
                    import_refusal('expected_version', r.expected_version::text,
                        format('is stale: the stock level has version %s, on_hand %s, held %s',
                            l.version, l.on_hand, l.held))
                when t.on_hand > 1000000000 and t.on_hand > coalesce(l.on_hand, 0) then
                    import_refusal('on_hand', t.on_hand::text, 'must be at most 1000000000')
                when t.on_hand < l.held then import_refusal('on_hand', t.on_hand::text,
                    format('is below the %s units that are held; on_hand is %s', l.held,
                        l.on_hand)) end) as refusals) f
        cross join lateral (
            select jsonb_agg(jsonb_build_object('field', v.field, 'before', left(v.before, 80),
                'after', left(v.after, 80)))::text as changes
            from (values
                ('title', k.title, t.title),
                ('attributes', k.attributes::text, nullif(t.attributes::text,
                    case when k.sku is null then '{}' end)),
                ('price_minor', k.price_minor::text, t.price_minor::text),
                ('sale_opens_at', import_time(k.sale_opens_at), import_time(t.sale_opens_at)),
                ('sale_closes_at', import_time(k.sale_closes_at), import_time(t.sale_closes_at)),
                ('departs_at', import_time(k.departs_at), import_time(t.departs_at)),
                ('low_stock_threshold', l.low_stock_threshold::text, t.low_stock_threshold::text),
                ('limit_per_customer', k.limit_per_customer::text, t.limit_per_customer::text),
                ('retired', (k.retired_at is not null)::text, t.retired::text),
                ('on_hand', l.on_hand::text, t.on_hand::text)) v (field, before, after)
            where (k.sku is null or d.changes_sku or d.changes_level)
                and v.before is distinct from v.after) m
    where c.shop = p_shop and c.import_id = p_import_id
        and (c.part, c.chunk) >= (p_part, p_chunk)
        and (c.part, c.chunk) <= (p_to_part, p_to_chunk);
end;
$$;
