-- Locks a row that the caller has just written and committed: the checkout, or, without
-- p_checkout_id, the event of a payment. The lock itself protects nothing. It is an ordinary record
-- of the log, which every server flushes at the commit. With the owner's rights, because the
-- callers have no right on a table.
create or replace function holdfast.early_release_lock(
    p_shop text, p_checkout_id uuid, p_gateway text, p_event_key text) returns boolean
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    if p_checkout_id is not null then
        perform from checkouts c where c.shop = p_shop and c.checkout_id = p_checkout_id
            for key share;  -- guard(acknowledged_survives)
    else
        perform from payment_events e
        where e.shop = p_shop and e.gateway = p_gateway and e.event_key = p_event_key
            for key share;  -- guard(acknowledged_survives)
    end if;
    if not found then
        -- Somebody was faster and deleted it. Any other row does. Not the first choice, because all
        -- calls of a shop would write this one row.
        perform from shops s where s.shop = p_shop for key share;
    end if;
    return true;
end;
$$;
