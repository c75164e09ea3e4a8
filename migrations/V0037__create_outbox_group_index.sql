-- migrate: outside a transaction
-- What of a group is not sent, in order.
create index concurrently if not exists outbox_unsent_of_group_idx
    on holdfast.outbox_messages (shop, group_key, number) where sent_at is null;
