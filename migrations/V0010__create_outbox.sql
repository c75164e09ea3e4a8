-- Announcements: written in the transaction that causes them, and sent afterwards, at least once.

-- Gives the order within a group. Rejected: created_at. A clock may be set back, and is read before
-- the lock that two writers of one order wait for. The number is taken after that lock.
create sequence holdfast.outbox_numbers as bigint;

create table holdfast.outbox_messages (
    shop text collate "C" not null,
    -- The kind of event (topic) and its object (subject): the same event can't be announced twice.
    topic text collate "C" not null,
    subject text collate "C" not null,
    number bigint not null default nextval('holdfast.outbox_numbers'),
    -- Messages of one group are sent one after the other; groups are sent in parallel. A group is
    -- an order, a checkout without an order, or a sku.
    group_key text collate "C" not null,
    body jsonb not null,
    created_at timestamptz not null,
    attempts integer not null default 0,
    -- of a claimed message: when its relay counts as dead; of a refused one: when to try again
    next_try_at timestamptz,
    claim_id uuid,
    last_error text collate "C",
    sent_at timestamptz,
    primary key (shop, topic, subject),
    constraint outbox_texts_are_short check (length(topic) <= 64 and length(subject) <= 600
        and length(group_key) <= 700 and length(last_error) <= 1000),
    -- the queue takes 256 KB
    constraint outbox_body_is_bounded check (pg_column_size(body) <= 262144),
    constraint outbox_message_times_can_be_shown check (
        least(created_at, next_try_at, sent_at) >= '0001-01-01 00:00:00+00'
            and greatest(created_at, next_try_at, sent_at) < '10000-01-01 00:00:00+00')
);
alter sequence holdfast.outbox_numbers owned by holdfast.outbox_messages.number;
create index outbox_unsent_idx on holdfast.outbox_messages (shop, created_at) where sent_at is null;
create index outbox_unsent_of_group_idx
    on holdfast.outbox_messages (shop, group_key, number) where sent_at is null;
-- Sent messages that no promise and no history needs: they are purged some time later.
create index outbox_purgeable_idx
    on holdfast.outbox_messages (shop, sent_at)
    where sent_at is not null and topic in ('stock.low', 'stock.back', 'checkout.expired');

-- The group of a message. A message about money may name the payment's reference alone.
create function holdfast.outbox_group(p_shop text, p_topic text, p_subject text, p_body jsonb)
    returns text
language sql stable set search_path = holdfast, pg_temp as $$
    select coalesce(
        'order/' || (p_body ->> 'order_id'),
        'order/' || (select p.order_id from payments p
            where p.shop = p_shop and p.reference = p_body ->> 'reference'),
        'checkout/' || (p_body ->> 'checkout_id'),
        'sku/' || (p_body ->> 'sku'),
        -- about no order of ours: a group of its own
        p_topic || '/' || p_subject)
$$;

create function holdfast.set_outbox_group() returns trigger
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    new.group_key := outbox_group(new.shop, new.topic, new.subject, new.body);
    return new;
end;
$$;

-- Rejected: to do this in every routine that announces something. One could forget it.
create trigger outbox_message_gets_its_group
before insert on holdfast.outbox_messages
for each row when (new.group_key is null)
execute function holdfast.set_outbox_group();

-- Low stock and back in stock, once for each crossing. Rejected: to do this in every routine that
-- changes a level. One could forget it, and so could a statement by hand.
create function holdfast.announce_stock_crossing() returns trigger
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    -- The version is the crossing's number: no other update of this row has the same.
    insert into outbox_messages (shop, topic, subject, body, created_at)
    select new.shop, crossing.topic, new.sku || '@' || new.version,
        jsonb_build_object('sku', new.sku, 'available', new.on_hand - new.held,
            'low_stock_threshold', new.low_stock_threshold, 'version', new.version),
        clock_timestamp()
    from (values
        ('stock.low', old.on_hand - old.held > old.low_stock_threshold
            and new.on_hand - new.held <= new.low_stock_threshold),
        ('stock.back', old.on_hand = old.held and new.on_hand > new.held)) crossing (topic, crossed)
    where crossing.crossed;
    return null;
end;
$$;

-- Triggers fire in the order of their names: this one after stock_version_rises, so that only an
-- allowed change is announced.
create trigger stock_went_low_or_came_back
after update on holdfast.stock_levels
for each row when (
    old.on_hand - old.held > old.low_stock_threshold
        and new.on_hand - new.held <= new.low_stock_threshold
    or old.on_hand = old.held and new.on_hand > new.held)
execute function holdfast.announce_stock_crossing();

-- The optional announcements that a shop wants. No row: none of them.
create table holdfast.announcements (
    shop text collate "C" not null references holdfast.shops,
    -- one message for each checkout that expires: in a flash sale as many as there are shoppers
    checkout_expired boolean not null,
    primary key (shop)
);

-- URLs that announcements are sent to, besides the queue.
create table holdfast.subscribers (
    shop text collate "C" not null references holdfast.shops,
    -- Its signing secret is outside this database, under this name.
    name text collate "C" not null
        constraint subscriber_name_is_plain check (name ~ '^[a-z0-9-]{1,40}$'),
    url text collate "C" not null constraint subscriber_url_is_short check (length(url) <= 2000),
    -- null: all
    topics text[] collate "C"
        constraint subscriber_topics_are_short check (octet_length(topics::text) <= 2000),
    -- when it answered that it wants no more
    disabled_at timestamptz,
    disabled_why text collate "C"
        constraint subscriber_reason_is_short check (length(disabled_why) <= 1000),
    created_at timestamptz not null,
    -- It does not get older announcements: when it was enabled again, or made again under its name.
    wants_from timestamptz not null default '0001-01-01 00:00:00+00',
    primary key (shop, name),
    constraint subscriber_times_can_be_shown check (
        least(disabled_at, created_at, wants_from) >= '0001-01-01 00:00:00+00'
            and greatest(disabled_at, created_at, wants_from) < '10000-01-01 00:00:00+00')
);

-- A row for each announcement and subscriber: an unreachable subscriber delays no other. No foreign
-- key to subscribers: a million waiting rows could not go with one of them in one statement.
-- outbox_purge removes them.
create table holdfast.subscriber_deliveries (
    shop text collate "C" not null,
    name text collate "C" not null,
    topic text collate "C" not null,
    subject text collate "C" not null,
    created_at timestamptz not null default now(),
    attempts integer not null default 0,
    next_try_at timestamptz not null,
    delivered_at timestamptz,
    -- when trying ended without success
    given_up_at timestamptz,
    last_error text collate "C"
        constraint delivery_error_is_short check (length(last_error) <= 1000),
    primary key (shop, name, topic, subject),
    constraint delivery_has_one_end check (delivered_at is null or given_up_at is null),
    constraint delivery_times_can_be_shown check (
        least(created_at, next_try_at, delivered_at, given_up_at) >= '0001-01-01 00:00:00+00'
            and greatest(created_at, next_try_at, delivered_at, given_up_at)
                < '10000-01-01 00:00:00+00')
);
-- The two conditions say the same in other words: so a query has the index that it means, and a
-- planner without statistics can't take the other one, sorted by another time.
create index subscriber_deliveries_due_idx on holdfast.subscriber_deliveries
    (shop, name, next_try_at) where coalesce(delivered_at, given_up_at) is null;
create index subscriber_deliveries_waiting_idx on holdfast.subscriber_deliveries
    (shop, name, created_at) where delivered_at is null and given_up_at is null;
create index subscriber_deliveries_given_up_idx on holdfast.subscriber_deliveries
    (shop, name, given_up_at) where given_up_at is not null;
create index subscriber_deliveries_ended_idx on holdfast.subscriber_deliveries
    (shop, (coalesce(delivered_at, given_up_at)))
    where coalesce(delivered_at, given_up_at) is not null;

-- Written in the message's own transaction. Rejected: a reader that looks for new messages. It
-- would miss a message that commits late.
create function holdfast.address_to_subscribers() returns trigger
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    insert into subscriber_deliveries (shop, name, topic, subject, next_try_at)
    select s.shop, s.name, new.topic, new.subject, clock_timestamp() from subscribers s
    where s.shop = new.shop and s.disabled_at is null
        and (s.topics is null or new.topic = any (s.topics));
    return null;
end;
$$;

create trigger outbox_message_is_addressed
after insert on holdfast.outbox_messages
for each row execute function holdfast.address_to_subscribers();
