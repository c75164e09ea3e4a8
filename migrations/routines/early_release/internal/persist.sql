-- Makes the commit of this transaction wait until everything before it is on disk. A transaction
-- that has written nothing would not wait. The callers have committed asynchronously just before.
--
-- p_way is early_release_way's answer at the beginning of the call, and not `off`. `message` writes
-- a tiny record to the log. `row-lock` locks a row that the call has just written: a checkout, or,
-- without p_checkout_id, the event of a payment. PostgreSQL inlines this function into the caller's
-- assignment, so the message costs no call. Where another way is chosen, no message is left in the
-- plan: PostgreSQL asks for the right to write one, even if it is not written.
create or replace function holdfast.early_release_persist(
    p_shop text, p_way text, p_checkout_id uuid, p_gateway text default null,
    p_event_key text default null) returns boolean
language sql volatile as $$
    select case when holdfast.early_release_chosen() = 'message' and p_way = 'message'
        then
            pg_logical_emit_message(true, 'holdfast', '')  -- guard(acknowledged_survives)
            is not null
        else
            holdfast.early_release_lock(p_shop, p_checkout_id, p_gateway, p_event_key)
    end
$$;
