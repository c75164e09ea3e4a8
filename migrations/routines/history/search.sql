-- What history_matches finds, each checkout with its whole history (history_describe). p_rows: of
-- each list at most. No locks.
create or replace function holdfast.history_search(
    p_shop text, p_q text, p_id uuid, p_limit integer, p_rows integer, p_scan integer,
    out o_found jsonb, out o_unmatched_events jsonb, out o_truncated boolean)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_ids uuid[];
begin
    select m.o_ids, m.o_unmatched_events, m.o_truncated
    into v_ids, o_unmatched_events, o_truncated
    from history_matches(p_shop, p_q, p_id, p_limit, p_rows, p_scan) m;
    select coalesce(jsonb_agg(history_describe(p_shop, f.checkout_id, p_rows) order by f.nth), '[]')
    into o_found
    from unnest(v_ids) with ordinality f (checkout_id, nth);
end;
$$;
