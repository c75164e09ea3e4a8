-- The seat desk, and goods that come back: who booked, which state of a booking somebody has seen,
-- and how much of an order was put back on the shelf.

alter table holdfast.orders
    -- the dispatcher who booked it by telephone or at the counter; null: the customer did it
    add column placed_by text constraint order_names_who_placed_it check (placed_by <> ''),
    -- rises when staff change the order (amend, cancel, restock): an edit of a state that is no
    -- longer there is refused
    add column version bigint not null default 1;

-- A booking that the desk cancels was paid: paid_at stays, as what happened.
alter table holdfast.orders
    drop constraint order_paid_at_matches_status,
    add constraint order_paid_at_matches_status
        check (case when status = 'paid' then paid_at is not null
                    when status in ('awaiting_payment', 'expired') then paid_at is null
                    else true end);

alter table holdfast.order_lines
    -- units of it that were put back: by a restock, or because the booking was cancelled
    add column returned integer not null default 0,
    add constraint order_line_returns_no_more_than_was_sold
        check (0 <= returned and returned <= quantity);

-- What a clerk has put back of an order so far was a movement with the payment's reference.
update holdfast.order_lines l set returned = least(l.quantity, m.units)
from (
    select r.shop, r.reference, r.sku, sum(r.delta) as units from holdfast.stock_movements r
    where r.reason = 'returned' group by 1, 2, 3) m
    join holdfast.payments p on p.shop = m.shop and p.reference = m.reference
where l.shop = p.shop and l.order_id = p.order_id and l.sku = m.sku and m.units > 0;

-- Who sits on a departure.
create index order_lines_of_sku_idx on holdfast.order_lines (shop, sku);

-- Every restock, once: a refund's event that comes three times puts its goods back once.
create table holdfast.order_restocks (
    shop text collate "C" not null,
    -- made by the client: the idempotency key
    return_id uuid not null,
    order_id uuid not null,
    -- SHA-256 of what was asked for: the same id with another request is a conflict
    request_hash bytea not null,
    actor text not null constraint restock_names_an_actor check (actor <> ''),
    created_at timestamptz not null,
    primary key (shop, return_id),
    foreign key (shop, order_id) references holdfast.orders
);

create trigger restock_is_history
before update or delete on holdfast.order_restocks
for each row execute function holdfast.refuse('Goods that were put back by mistake are a stock '
    'adjustment.');
