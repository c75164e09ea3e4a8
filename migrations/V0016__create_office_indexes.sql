-- What the stock office looks things up by. None of these tables is written by a hold: holds and
-- checkouts get no index here, because each would cost every shopper of a rush.

-- The ledger by time, newest first, and what one order or purchase moved, in the same order.
create index stock_movements_by_time_idx on holdfast.stock_movements
    (shop, created_at, sku, version);
drop index holdfast.stock_movements_of_reference_idx;
create index stock_movements_of_reference_idx on holdfast.stock_movements
    (shop, reference, created_at, sku, version);

create index orders_of_customer_idx on holdfast.orders (shop, customer, created_at);

-- A shopper quotes the payment's id as their bank shows it.
create index payments_of_gateway_id_idx on holdfast.payments (shop, gateway_payment_id)
    where gateway_payment_id is not null;
create index payment_events_of_gateway_id_idx on holdfast.payment_events (shop, gateway_payment_id)
    where gateway_payment_id is not null;
