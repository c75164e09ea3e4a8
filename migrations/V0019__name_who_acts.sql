-- Who ended a sale, sent an announcement again, and tried a parked event again: the last person who
-- did. No release has run on these tables yet, so the linter's warnings of long locks are ignored.

-- Null: nobody ended it by hand, or its times were edited since.
alter table holdfast.skus add column sale_closed_by text collate "C";
alter table holdfast.skus
    -- squawk-ignore constraint-missing-not-valid
    add constraint sku_names_who_closed_it check (length(sale_closed_by) between 1 and 256);

-- Null: it was sent by itself alone.
alter table holdfast.subscriber_deliveries add column resent_by text collate "C";
alter table holdfast.subscriber_deliveries
    -- squawk-ignore constraint-missing-not-valid
    add constraint delivery_names_who_resent_it check (length(resent_by) between 1 and 256);

-- Null: no person tried it again.
alter table holdfast.payment_events add column retried_by text collate "C";
alter table holdfast.payment_events
    -- squawk-ignore constraint-missing-not-valid
    add constraint payment_event_names_who_retried_it check (length(retried_by) between 1 and 256);

-- They name the actor from now on, and order_cancel the version.
-- squawk-ignore ban-drop-function
drop function if exists holdfast.sku_close(text, text);
-- squawk-ignore ban-drop-function
drop function if exists holdfast.delivery_resend(text, text, text, text, timestamptz);
-- squawk-ignore ban-drop-function
drop function if exists holdfast.payment_redrive(text, text, text);
-- squawk-ignore ban-drop-function
drop function if exists holdfast.order_cancel(text, uuid, text);
