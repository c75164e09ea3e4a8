-- Sends one announcement to one subscriber again, or for the first time: with the next sweep, and
-- with new tries. It counts as a delivery of now, so that it is not given up for its age. Outcomes:
-- resent; same (it waits already, or is no longer the delivery of p_created_at: a repeated request
-- sends it once; null: any delivery); not_found (no such subscriber or announcement); disabled (the
-- subscriber gets nothing). The delivery keeps p_actor. Locks: the subscriber FOR KEY SHARE, the
-- delivery.
create or replace function holdfast.delivery_resend(
    p_shop text, p_name text, p_type text, p_subject text, p_created_at timestamptz,
    p_actor text, out o_outcome text)
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_disabled_at timestamptz;
begin
    select s.disabled_at into v_disabled_at from subscribers s
    where s.shop = p_shop and s.name = p_name for key share;
    if not found or not exists (
        select from outbox_messages b
        where b.shop = p_shop and b.topic = p_type and b.subject = p_subject)
    then
        o_outcome := 'not_found';
        return;
    elsif v_disabled_at is not null then
        o_outcome := 'disabled';
        return;
    end if;
    insert into subscriber_deliveries as d (shop, name, topic, subject, created_at, next_try_at,
        resent_by)
    values (p_shop, p_name, p_type, p_subject, v_now, v_now, p_actor)
    on conflict (shop, name, topic, subject) do update
    set created_at = v_now, next_try_at = v_now, attempts = 0, delivered_at = null,
        given_up_at = null, resent_by = p_actor
    where coalesce(d.delivered_at, d.given_up_at) is not null
        and (d.created_at = p_created_at) is not false;
    o_outcome := case when found then 'resent' else 'same' end;
end;
$$;
