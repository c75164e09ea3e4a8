-- Gives back claims of refund_claim that were not tried: their gateway was down, or the time was
-- over. These refunds are due at once, and the try does not count. The caller names each refund
-- with its number of attempts in the claim. A refund that another call has claimed since, or that
-- has moved, is left alone. Use it only if certainly no call was made: a claim without a report
-- counts as a refund that may have been sent. Returns their number. Locks: the refunds.
create or replace function holdfast.refund_untried(
    p_shop text, p_refund_ids uuid[], p_attempts integer[]) returns integer
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_given integer;
    v_now timestamptz := clock_timestamp();
begin
    update refunds r
    set status = 'owed', attempts = r.attempts - 1, next_try_at = v_now
    from unnest(p_refund_ids, p_attempts) u (refund_id, attempts)
    where r.shop = p_shop and r.refund_id = u.refund_id and r.status = 'sending'
        and r.attempts = u.attempts;
    get diagnostics v_given = row_count;
    return v_given;
end;
$$;
