-- Types for answers that several routines give or pass on. Each column is named once, here.
--
-- Never change a type. A routine can't be replaced by one that returns another type, and running
-- calls expect the old answer. For a different answer, make a new type and a new routine beside the
-- old ones, and drop the old ones one release later. Rejected: types in the routines' folder. Each
-- migration would have to drop them, with every routine that names them.

-- What an attempt asks checkout_reclaim for: the due checkouts of these skus, this coupon or this
-- customer (by the customer_key), which are in its way.
create type holdfast.reclaim as (skus text[], coupon text, customer text);

-- Answered by checkout_begin_attempt and the routines that it calls. o_units_max: the most units of
-- a cart and of one line.
create type holdfast.checkout_answer as (
    o_outcome text, o_status text, o_currency text, o_expires_at timestamptz,
    o_server_time timestamptz, o_prices bigint[], o_refused_skus text[],
    o_refused_available integer[], o_units_max integer[], o_reclaim holdfast.reclaim);

-- Answered by checkout_begin_many_attempt: one outcome for all, then one for each checkout.
create type holdfast.checkouts_answer as (
    o_outcome text, o_outcomes text[], o_currency text, o_server_time timestamptz,
    o_expires_at timestamptz[], o_prices bigint[], o_available integer[],
    o_reclaim holdfast.reclaim);

-- A checkout as its readers see it. The outcome is null for a read.
create type holdfast.checkout_view as (
    o_outcome text, o_customer text, o_status text, o_revision integer, o_currency text,
    o_expires_at timestamptz, o_server_time timestamptz, o_skus text[], o_quantities integer[],
    o_prices bigint[]);

-- Answered by routines that hold or count units for a checkout or an order.
create type holdfast.hold_answer as (
    o_outcome text, o_refused_skus text[], o_refused_requested integer[],
    o_refused_available integer[], o_reclaim holdfast.reclaim);

-- Answered by order_create_attempt, order_book_attempt and order_amend_attempt.
create type holdfast.order_answer as (
    o_outcome text, o_order jsonb, o_refused_skus text[], o_refused_requested integer[],
    o_refused_available integer[], o_reclaim holdfast.reclaim, o_details jsonb);

-- Answered by payment_record_event_attempt and payment_apply_paid.
create type holdfast.payment_answer as (
    o_outcome text, o_order_id uuid, o_reclaim holdfast.reclaim, o_contradicts boolean);

-- Answered by payment_record_events_attempt: one outcome for all, then one for each event.
create type holdfast.payments_answer as (
    o_outcome text, o_outcomes text[], o_order_ids uuid[]);

-- Answered by changes of a stock level by staff.
create type holdfast.stock_answer as (
    o_outcome text, o_on_hand integer, o_held integer, o_version bigint, o_movement jsonb);
create type holdfast.shrink_answer as (
    o_outcome text, o_on_hand integer, o_held integer, o_version bigint, o_movement jsonb,
    o_broken jsonb);
