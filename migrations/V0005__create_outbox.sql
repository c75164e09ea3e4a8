-- Events written in the transaction that caused them and sent afterwards, at least once. What
-- happened (topic) to what (subject) is the key: the same event can't be announced twice.
create table holdfast.outbox_messages (
    shop text collate "C" not null,
    topic text collate "C" not null,
    subject text collate "C" not null,
    body jsonb not null,
    created_at timestamptz not null,
    sent_at timestamptz,
    primary key (shop, topic, subject)
);
create index outbox_unsent_idx on holdfast.outbox_messages (shop, created_at) where sent_at is null;
