-- Records many verified events of one shop in one call. It decides as payment_record_event does.
-- docs/decisions/0013 says why, and what was rejected.
--
-- p_events: a list of objects with the columns of payment_events, at most 100.
--
-- Outcomes, one for each event:
-- - completed: as in payment_record_event. o_order_ids has its order;
-- - apart: nothing is decided. The caller must call payment_record_event for this event alone: it
--   is not money that comes for the first time and pays exactly an order whose stock is held, or
--   another event of the batch is about the same payment.
--
-- payment_record_events_attempt decides. It runs again if another call was faster, five times at
-- most. Then every event is `apart`. Early lock release as in checkout_begin.
--
-- It waits for a lock half a second at most, and then fails. Its caller waits for a second. A call
-- that waited longer would keep its events locked, and each of them must then go alone.
create or replace procedure holdfast.payment_record_events(
    p_shop text, p_events jsonb,
    inout o_outcomes text[] default null, inout o_order_ids uuid[] default null)
language plpgsql as $$
declare
    v_way text := holdfast.early_release_way();
    v_early boolean := v_way <> 'off';
    v_answer holdfast.payments_answer;
    v_attempts integer := 0;
    v_written jsonb;
    v_set text;
    v_flushed boolean;
begin
    loop
        v_set := set_config('lock_timeout', '500ms', true);
        if v_early then
            v_set := set_config('synchronous_commit', 'off', true);
        end if;
        v_answer := holdfast.payment_record_events_attempt(p_shop, p_events);
        exit when v_answer.o_outcome <> 'again';
        rollback;
        v_attempts := v_attempts + 1;
        exit when v_attempts = 5;
    end loop;
    if v_answer.o_outcome = 'completed' and v_early then
        commit;
        v_written := p_events -> (array_position(v_answer.o_outcomes, 'completed') - 1);
        v_flushed := holdfast.early_release_persist(
            p_shop, v_way, null, v_written ->> 'gateway', v_written ->> 'event_key');
    end if;
    -- without outcomes, every attempt was beaten
    o_outcomes := coalesce(
        v_answer.o_outcomes, array_fill('apart'::text, array[jsonb_array_length(p_events)]));
    o_order_ids := coalesce(
        v_answer.o_order_ids, array_fill(null::uuid, array[jsonb_array_length(p_events)]));
end;
$$;
