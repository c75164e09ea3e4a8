-- migrate: outside a transaction
-- What may go some time after it was sent: what no promise and no history needs.
create index concurrently if not exists outbox_purgeable_idx
    on holdfast.outbox_messages (shop, sent_at)
    where sent_at is not null and topic in ('stock.low', 'stock.back', 'checkout.expired');
