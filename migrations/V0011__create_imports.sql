-- Bulk import: a file of skus and stock is staged here in parts, then applied in transactions that
-- are short enough for a sale to go on beside them. Its rows don't fit one call, and every row must
-- be known to be good before the first one changes anything.

create table holdfast.imports (
    shop text collate "C" not null references holdfast.shops,
    -- made by the client: a repeated part or a repeated application continues where it stopped
    import_id uuid not null,
    -- open: parts may come. trying, tried: a dry run is under way, or complete; parts may still
    -- come. applying, done: its rows are final. rejected: all or nothing, and a row was refused.
    status text collate "C" not null default 'open' constraint import_status_is_known
        check (status in ('open', 'trying', 'tried', 'applying', 'done', 'rejected')),
    mode text collate "C" constraint import_mode_is_known
        check (mode in ('good_rows_only', 'all_or_nothing')),
    -- the last chunk of this pass (a dry run, or the application) so far
    at_part integer not null default 0,
    at_chunk integer not null default 0,
    -- the rows of this pass so far, by outcome
    created integer not null default 0,
    changed integer not null default 0,
    unchanged integer not null default 0,
    refused integer not null default 0,
    actor text collate "C" not null
        constraint import_names_an_actor check (length(actor) between 1 and 256),
    created_at timestamptz not null,
    ended_at timestamptz,
    primary key (shop, import_id),
    constraint import_ended_at_matches_status
        check ((status in ('done', 'rejected')) = (ended_at is not null)),
    constraint import_mode_is_set_when_applied
        check (mode is not null or status in ('open', 'trying', 'tried')),
    constraint import_times_can_be_shown check (
        least(created_at, ended_at) >= '0001-01-01 00:00:00+00'
            and greatest(created_at, ended_at) < '10000-01-01 00:00:00+00')
);
create index imports_old_idx on holdfast.imports (shop, created_at);

create table holdfast.import_parts (
    shop text collate "C" not null,
    import_id uuid not null,
    part integer not null constraint import_part_is_sane check (part between 1 and 2000),
    row_count integer not null,
    primary key (shop, import_id, part),
    foreign key (shop, import_id) references holdfast.imports
);

-- A part's rows, in chunks of one transaction each, column by column. So a million rows are two
-- thousand tuples, and a step finds its rows by one look-up, even if the planner has no statistics
-- yet. Null means "not in this row: no change". If null is also a value (no sale time, no limit), a
-- flag beside it says that the row has it.
create table holdfast.import_chunks (
    shop text collate "C" not null,
    import_id uuid not null,
    part integer not null,
    chunk integer not null,
    lines integer[] not null,
    -- null if it can't be parsed
    skus text[] collate "C" not null,
    titles text[] collate "C" not null,
    -- all attributes of a row, as a JSON object
    attributes text[] collate "C" not null,
    -- or some of them: null removes one
    attribute_changes text[] collate "C" not null,
    prices_minor bigint[] not null,
    currencies text[] collate "C" not null,
    sale_opens_at timestamptz[] not null,
    sale_opens_given boolean[] not null,
    sale_closes_at timestamptz[] not null,
    sale_closes_given boolean[] not null,
    low_stock_thresholds integer[] not null,
    limits_per_customer integer[] not null,
    limits_given boolean[] not null,
    retired boolean[] not null,
    on_hand integer[] not null,
    expected_versions bigint[] not null,
    -- JSON, [{field, value, why}], of a row with a wrong form: it is always refused
    malformed text[] collate "C" not null,
    -- of this pass: created, changed, unchanged, refused; null before it
    outcomes text[] collate "C",
    -- of every refused row, in the form of malformed
    refusals text[] collate "C",
    -- of every created or changed row: JSON, [{field, before, after}]
    changes text[] collate "C",
    primary key (shop, import_id, part, chunk),
    foreign key (shop, import_id, part) references holdfast.import_parts,
    constraint import_chunk_is_bounded check (500 >= greatest(cardinality(lines),
        cardinality(skus), cardinality(titles), cardinality(attributes),
        cardinality(attribute_changes), cardinality(prices_minor), cardinality(currencies),
        cardinality(sale_opens_at), cardinality(sale_opens_given), cardinality(sale_closes_at),
        cardinality(sale_closes_given), cardinality(low_stock_thresholds),
        cardinality(limits_per_customer), cardinality(limits_given), cardinality(retired),
        cardinality(on_hand), cardinality(expected_versions), cardinality(malformed),
        cardinality(outcomes), cardinality(refusals), cardinality(changes))),
    -- A part has at most 4 MB, and may be one row. A refused row repeats the beginnings of its
    -- values.
    constraint import_chunk_texts_are_bounded check (octet_length(skus::text) <= 40000
        and octet_length(titles::text) <= 1000000 and octet_length(attributes::text) <= 10000000
        and octet_length(currencies::text) <= 5000 and octet_length(malformed::text) <= 10000000
        and octet_length(attribute_changes::text) <= 10000000
        and octet_length(changes::text) <= 10000000
        and octet_length(outcomes::text) <= 10000 and octet_length(refusals::text) <= 10000000),
    constraint import_chunk_times_can_be_shown check (
        timestamptz '0001-01-01 00:00:00+00' <= all (sale_opens_at || sale_closes_at)
            and timestamptz '10000-01-01 00:00:00+00' > all (sale_opens_at || sale_closes_at))
);

-- The place of each sku of an import. A sku that comes twice is refused, and the refusal names its
-- first line.
create table holdfast.import_skus (
    shop text collate "C" not null,
    import_id uuid not null,
    sku text collate "C" not null,
    part integer not null,
    line integer not null,
    -- No foreign key: only import_stage writes here, and it holds the part's row.
    primary key (shop, import_id, sku, part, line)
);
