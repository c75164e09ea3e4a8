-- Money that came before captures were kept, and whoever records an event without one: the
-- routines of the release before this one, while both are at work or after they were put back.

-- Makes the capture of an event that did something with money, where there is none, and the debt
-- that came of it. Nobody can know here whether a person has given it back by hand: the refund
-- stands as failed, for a person to look at, and is never sent by itself.
create function holdfast.capture_of_event(p_event holdfast.payment_events) returns void
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_payment payments%rowtype;
    v_id text := coalesce(p_event.gateway_payment_id, p_event.reference);
    v_counts boolean := coalesce(p_event.outcome <> 'review' and p_event.amount_minor > 0
        and p_event.currency is not null, false);
begin
    select * into v_payment from payments p
    where p.shop = p_event.shop and p.reference = p_event.reference;
    if not found then
        return;
    end if;
    insert into payment_captures (shop, gateway, gateway_payment_id, reference, amount_minor,
        currency, counts, captured_at)
    values (p_event.shop, p_event.gateway, v_id, p_event.reference, p_event.amount_minor,
        p_event.currency, v_counts, p_event.received_at)
    on conflict do nothing;
    if found and v_counts and p_event.outcome in ('refund_due', 'excess') then
        insert into refunds (shop, refund_id, order_id, reference, gateway, gateway_payment_id,
            amount_minor, currency, reason, status, next_try_at, last_error, actor, created_at)
        values (p_event.shop, gen_random_uuid(), v_payment.order_id, p_event.reference,
            p_event.gateway, v_id, p_event.amount_minor, p_event.currency,
            case p_event.outcome when 'excess' then 'excess' else 'late' end, 'failed',
            p_event.received_at,
            'Owed since before refunds were carried out. Find out at the gateway whether it was '
            'given back by hand, then retry it or report it settled.',
            'holdfast', p_event.received_at);
    end if;
end;
$$;
-- for the trigger and this file alone
revoke execute on function holdfast.capture_of_event(holdfast.payment_events) from public;

create function holdfast.keep_capture_of_event() returns trigger
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    perform capture_of_event(new);
    return null;
end;
$$;

create trigger payment_event_has_its_capture
after update on holdfast.payment_events
for each row when (new.kind = 'paid'
    and new.outcome in ('completed', 'completed_late', 'refund_due', 'excess', 'review'))
execute function holdfast.keep_capture_of_event();

do $$
begin
    -- what completed an order first: an event that was found excess has another capture
    perform holdfast.capture_of_event(e)
    from (
        select * from holdfast.payment_events e
        where e.kind = 'paid'
            and e.outcome in ('completed', 'completed_late', 'refund_due', 'excess', 'review')
        order by e.outcome not in ('completed', 'completed_late'), e.received_at) e;
end;
$$;
