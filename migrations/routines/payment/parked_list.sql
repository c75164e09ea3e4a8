-- One page of the parked events that report money, oldest first: they wait for a person. Parked
-- events of other kinds are left out: they may stay for ever. The page begins after the row of the
-- p_after_… parameters, or at the first row if they are null. o_after is the page's last row, if
-- there may be more. No locks.
create or replace function holdfast.payment_parked_list(
    p_shop text, p_after_received_at timestamptz, p_after_gateway text, p_after_event_key text,
    p_limit integer, out o_events jsonb, out o_after jsonb)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_found jsonb[];
begin
    select array_agg(event_describe(page) order by page.received_at, page.gateway, page.event_key)
    into v_found
    from (
        select * from payment_events e
        where e.shop = p_shop and e.outcome = 'parked' and e.kind = 'paid'
            and (e.received_at, e.gateway, e.event_key)
                > (coalesce(p_after_received_at, '-infinity'), coalesce(p_after_gateway, ''),
                    coalesce(p_after_event_key, ''))
        order by e.received_at, e.gateway, e.event_key limit p_limit) page;
    o_events := to_jsonb(coalesce(v_found, '{}'));
    o_after := v_found[p_limit];
end;
$$;
