-- One bounded batch of a sweep: expires up to p_batch_max due checkouts of one shop, oldest first.
-- Any number of copies may run at once: a locked checkout is skipped, because another call is
-- deciding it. Returns how many it expired, and the ids that can't be expired. The caller passes
-- these ids in p_skip to continue after them. Locks: due checkouts (SKIP LOCKED), then as
-- checkout_give_back.
create or replace function holdfast.sweep_expire(
    p_shop text, p_batch_max integer, p_skip uuid[], out o_expired integer, out o_failed uuid[])
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_ids uuid[];
begin
    v_ids := array(
        select c.checkout_id from checkouts c
        where c.shop = p_shop and c.ended_at is null and c.expires_at <= v_now
            and c.checkout_id <> all (p_skip)
        order by c.expires_at limit p_batch_max
        for no key update skip locked  -- guard(hold_resolves_once)
    );
    select e.o_expired, e.o_failed into o_expired, o_failed from checkout_expire(p_shop, v_ids) e;
end;
$$;
