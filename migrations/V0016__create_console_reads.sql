-- What people's pages read and the tables did not have: a shop's time zone, departures, words of
-- the catalogue, sold units, and the log of deliveries. No release has run on these tables yet, so
-- the linter's warnings of long locks are ignored.

-- The zone in which people read the shop's times. shop_put takes only names that this server knows.
alter table holdfast.shops
    add column time_zone text collate "C" not null default 'UTC',
    -- squawk-ignore constraint-missing-not-valid
    add constraint shop_time_zone_is_a_name
        check (time_zone ~ '^[A-Za-z0-9_+/-]{1,64}$');

-- When the units of a departure leave; null: a sku of another kind.
alter table holdfast.skus add column departs_at timestamptz;
-- squawk-ignore ban-drop-constraint
alter table holdfast.skus drop constraint sku_times_can_be_shown;
alter table holdfast.skus
    -- squawk-ignore constraint-missing-not-valid
    add constraint sku_times_can_be_shown check (
        least(sale_opens_at, sale_closes_at, departs_at, retired_at, created_at)
                >= '0001-01-01 00:00:00+00'
            and greatest(sale_opens_at, sale_closes_at, departs_at, retired_at, created_at)
                < '10000-01-01 00:00:00+00');

-- The same of a staged row.
alter table holdfast.import_chunks
    add column departs_at timestamptz[] not null default '{}',
    add column departs_given boolean[] not null default '{}',
    -- squawk-ignore ban-drop-constraint
    drop constraint import_chunk_times_can_be_shown;
alter table holdfast.import_chunks
    -- squawk-ignore constraint-missing-not-valid
    add constraint import_chunk_times_can_be_shown check (
        timestamptz '0001-01-01 00:00:00+00' <= all (sale_opens_at || sale_closes_at || departs_at)
            and timestamptz '10000-01-01 00:00:00+00'
                > all (sale_opens_at || sale_closes_at || departs_at)),
    -- squawk-ignore constraint-missing-not-valid
    add constraint import_chunk_departures_are_bounded check (
        500 >= greatest(cardinality(departs_at), cardinality(departs_given)));

-- The words by which a clerk finds a sku: of its code and its title, in small letters, without
-- punctuation. The first is the shop's, so that an index over all shops reads one of them.
-- lower() of "C" knows ASCII alone. normalize() makes composed and decomposed letters one.
create function holdfast.sku_words(p_shop text, p_text text) returns text[]
language sql immutable parallel safe set search_path = holdfast, pg_temp as $$
    select array_prepend('/' || p_shop, array_remove(string_to_array(
        regexp_replace(lower(normalize(p_text, nfkc) collate "und-x-icu") collate "C",
            '[\s!-/:-@\[-`{-~]+', ' ', 'g'), ' '), ''))
$$;

-- squawk-ignore require-concurrent-index-creation
create index skus_words_idx on holdfast.skus
    using gin (array_to_tsvector(holdfast.sku_words(shop, sku || ' ' || title)))
    with (fastupdate = off);
-- The departures of a day.
-- squawk-ignore require-concurrent-index-creation
create index skus_departing_idx on holdfast.skus (shop, departs_at, sku)
    where departs_at is not null;
-- The departures of one line: they have the same title.
-- squawk-ignore require-concurrent-index-creation
create index skus_departing_of_title_idx on holdfast.skus (shop, title, departs_at, sku)
    where departs_at is not null;

-- Sold units that have not come back. The statement that moves the units counts them: a page that
-- is read every two seconds can't add up a million sales.
alter table holdfast.stock_levels add column sold bigint not null default 0;

-- By what support finds a purchase: the last ten digits of its telephone number, and its name. Of a
-- dispatcher's booking both stand in the customer's text. Null: none. The index of a sale without
-- an address gets no row.
create function holdfast.order_phone(p_customer text, p_placed_by text, p_address jsonb)
    returns text
language sql immutable parallel safe set search_path = holdfast, pg_temp as $$
    select case when length(d.digits) >= 6 then right(d.digits, 10) end
    from (select regexp_replace(
        coalesce(p_address ->> 'phone', case when p_placed_by is not null
            -- a note behind the number, such as a time, is no part of it
            then case when split_part(p_customer, ' · ', 1) ~ '([0-9][^0-9]*){6}'
                then split_part(p_customer, ' · ', 1) else p_customer end end),
        '[^0-9]+', '', 'g') as digits) d
$$;
create function holdfast.order_name(p_customer text, p_placed_by text, p_address jsonb)
    returns text
language sql immutable parallel safe set search_path = holdfast, pg_temp as $$
    select lower(normalize(coalesce(p_address ->> 'recipient',
        case when p_placed_by is not null then p_customer end), nfkc) collate "und-x-icu")
        collate "C"
$$;
-- squawk-ignore require-concurrent-index-creation
create index orders_of_phone_idx on holdfast.orders
    (shop, (holdfast.order_phone(customer, placed_by, address)), created_at)
    where holdfast.order_phone(customer, placed_by, address) is not null;
-- squawk-ignore require-concurrent-index-creation
create index orders_of_name_idx on holdfast.orders
    (shop, (holdfast.order_name(customer, placed_by, address)))
    where holdfast.order_name(customer, placed_by, address) is not null;

-- The log of one subscriber, newest first. Shop and name as one text: for a look-up by the key a
-- planner without statistics would take an index that begins like it, and read every delivery.
-- squawk-ignore require-concurrent-index-creation
create index subscriber_deliveries_by_time_idx on holdfast.subscriber_deliveries
    ((shop || '/' || name), created_at, topic, subject);

-- A test message goes to the subscriber that it is for, whatever types that one wants. The queue
-- does not get it: subscriber_test writes it as sent.
create or replace function holdfast.address_to_subscribers() returns trigger
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    insert into subscriber_deliveries (shop, name, topic, subject, next_try_at)
    select s.shop, s.name, new.topic, new.subject, clock_timestamp() from subscribers s
    where s.shop = new.shop and s.disabled_at is null
        and case new.topic when 'subscriber.test' then s.name = new.body ->> 'subscriber'
            else s.topics is null or new.topic = any (s.topics) end;
    return null;
end;
$$;

-- The new columns, for a person who reads by SQL.
create or replace view holdfast_read.shops as
select shop, name, currency, hold_s_default, hold_s_max, order_hold_s_untried, order_hold_s,
    units_per_cart_max, units_per_line_max, checkouts_per_customer_max, customers_folded,
    offline_allowed, created_at, time_zone
from holdfast.shops;
create or replace view holdfast_read.skus as
select shop, sku, title, attributes, price_minor, sale_opens_at, sale_closes_at, retired_at,
    limit_per_customer, created_at, departs_at
from holdfast.skus;
create or replace view holdfast_read.stock_levels as
select shop, sku, on_hand, held, on_hand - held as available, low_stock_threshold, version, sold
from holdfast.stock_levels;
