-- Sends a test message, of the type subscriber.test, to one subscriber alone, with the next sweep.
-- Neither the queue nor another subscriber gets it. p_test_id is made by the caller: a repeated
-- call sends no second message. Outcomes: sent (by this call or before), not_found, disabled (the
-- subscriber gets nothing). Locks: the subscriber FOR KEY SHARE.
create or replace function holdfast.subscriber_test(
    p_shop text, p_name text, p_test_id uuid, p_actor text, out o_outcome text)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_disabled_at timestamptz;
begin
    select s.disabled_at into v_disabled_at from subscribers s
    where s.shop = p_shop and s.name = p_name for key share;
    o_outcome := case when not found then 'not_found'
        when v_disabled_at is not null then 'disabled' else 'sent' end;
    if o_outcome = 'sent' then
        insert into outbox_messages (shop, topic, subject, body, created_at, sent_at)
        values (p_shop, 'subscriber.test', p_name || ':' || p_test_id,
            jsonb_build_object('subscriber', p_name, 'test_id', p_test_id, 'sent_by', p_actor),
            v_now, v_now)
        on conflict do nothing;
    end if;
end;
$$;
