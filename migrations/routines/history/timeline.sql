-- What happened to one checkout, as one list, oldest first: the checkout, its holds, its order, its
-- payment, what the gateway reported, captures, refunds, disputes, the ledger and the
-- announcements. Each entry has its time (at) and a word that never changes its meaning (happened);
-- the other members depend on the word, and are missing where they would be null. Of each kind at
-- most the p_limit newest. Null: there is no such checkout. No locks.
create or replace function holdfast.history_timeline(
    p_shop text, p_checkout_id uuid, p_limit integer) returns jsonb
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v jsonb;
begin
    if not exists (
        select from checkouts c where c.shop = p_shop and c.checkout_id = p_checkout_id) then
        return null;
    end if;
    v := history_describe(p_shop, p_checkout_id, p_limit);
    return jsonb_build_object(
        'checkout_id', p_checkout_id,
        'customer', v #>> '{checkout,customer}',
        'status', v #>> '{checkout,status}',
        'expires_at', v #> '{checkout,expires_at}',
        'order_id', v #> '{order,order_id}',
        'order_status', v #> '{order,status}',
        'order_version', v #> '{order,version}',
        'reference', v #> '{payment,reference}',
        'total_minor', v #> '{order,total_minor}',
        'currency', (select s.currency from shops s where s.shop = p_shop),
        'lines', case when v #> '{order,order_id}' <> 'null' then v -> 'lines' else '[]' end,
        'entries', (
            select coalesce(jsonb_agg(
                jsonb_strip_nulls(to_jsonb(e) - '{nth}'::text[]) order by e.at, e.nth, e.happened),
                '[]')
            from history_entries(p_shop, v) e),
        'server_time', clock_timestamp());
end;
$$;
