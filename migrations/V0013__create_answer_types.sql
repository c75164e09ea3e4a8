-- The answers of routines that share or pass on an answer. So the columns of an answer are named
-- once.
--
-- Never change a type. A routine can't be replaced by one that returns another type, and running
-- calls expect the old answer. For a different answer, make a new type and a new routine beside the
-- old ones, and drop the old ones one release later. Rejected: types in the routines' folder. Each
-- migration would have to drop them, with every routine that names them.

-- The skus, the coupon and the customer whose due checkouts are in the way of an attempt; for
-- checkout_reclaim.
create type holdfast.reclaim as (skus text[], coupon text, customer text);

-- Of checkout_begin and the routines behind it.
create type holdfast.checkout_answer as (
    o_outcome text, o_status text, o_currency text, o_expires_at timestamptz,
    o_server_time timestamptz, o_prices bigint[], o_refused_skus text[],
    o_refused_available integer[], o_reclaim holdfast.reclaim);

-- A checkout as its readers see it. The outcome is null for a read.
create type holdfast.checkout_view as (
    o_outcome text, o_customer text, o_status text, o_revision integer, o_currency text,
    o_expires_at timestamptz, o_server_time timestamptz, o_skus text[], o_quantities integer[],
    o_prices bigint[]);

-- Of routines that hold or count units for a checkout or an order.
create type holdfast.hold_answer as (
    o_outcome text, o_refused_skus text[], o_refused_requested integer[],
    o_refused_available integer[], o_reclaim holdfast.reclaim);

-- Of the attempts of order_create, order_book and order_amend.
create type holdfast.order_answer as (
    o_outcome text, o_order jsonb, o_refused_skus text[], o_refused_requested integer[],
    o_refused_available integer[], o_reclaim holdfast.reclaim);

-- Of payment_record_event.
create type holdfast.payment_answer as (
    o_outcome text, o_order_id uuid, o_reclaim holdfast.reclaim);

-- Of changes of a stock level by staff.
create type holdfast.stock_answer as (
    o_outcome text, o_on_hand integer, o_held integer, o_version bigint, o_movement jsonb);
create type holdfast.shrink_answer as (
    o_outcome text, o_on_hand integer, o_held integer, o_version bigint, o_movement jsonb,
    o_broken jsonb);
