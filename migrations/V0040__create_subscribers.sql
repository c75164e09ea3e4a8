-- Who is told of announcements at a URL of theirs, besides the queue.

create table holdfast.subscribers (
    shop text collate "C" not null references holdfast.shops,
    -- also under which its secret is kept, which is not in this database
    name text collate "C" not null
        constraint subscriber_name_is_plain check (name ~ '^[a-z0-9-]{1,40}$'),
    url text not null,
    -- which announcements; null: all
    topics text[],
    -- it said that it wants no more
    disabled_at timestamptz,
    disabled_why text,
    created_at timestamptz not null,
    primary key (shop, name)
);

-- What is to be told to whom; a row for each, so that one who can't be reached keeps up nobody.
create table holdfast.subscriber_deliveries (
    shop text collate "C" not null,
    name text collate "C" not null,
    topic text collate "C" not null,
    subject text collate "C" not null,
    created_at timestamptz not null default now(),
    attempts integer not null default 0,
    next_try_at timestamptz not null,
    delivered_at timestamptz,
    -- it is not tried any more
    given_up_at timestamptz,
    last_error text,
    primary key (shop, name, topic, subject),
    foreign key (shop, name) references holdfast.subscribers on delete cascade,
    constraint delivery_has_one_end check (delivered_at is null or given_up_at is null)
);
create index subscriber_deliveries_due_idx on holdfast.subscriber_deliveries
    (shop, name, next_try_at) where delivered_at is null and given_up_at is null;
-- what a subscriber does not have
create index subscriber_deliveries_waiting_idx on holdfast.subscriber_deliveries
    (shop, name, created_at) where delivered_at is null and given_up_at is null;
create index subscriber_deliveries_given_up_idx on holdfast.subscriber_deliveries
    (shop, name, given_up_at) where given_up_at is not null;
-- for outbox_purge
create index subscriber_deliveries_ended_idx on holdfast.subscriber_deliveries
    (shop, (coalesce(delivered_at, given_up_at)))
    where coalesce(delivered_at, given_up_at) is not null;

-- With the message, in its transaction: a reader of what is new would pass over what commits late.
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
