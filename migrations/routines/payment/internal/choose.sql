-- Chooses, for payment_record_events_attempt, the events that complete an order as usual: money of
-- an unknown capture for an order that awaits its payment, exactly its total, while its checkout
-- holds the stock. Nothing in the batch may be about the same payment. Reads without locks, and
-- writes nothing: what it reads is a guess, and the caller's writes are the judge.
--
-- o_outcomes and o_order_ids are one for each event. The others are one for each chosen event, in
-- the order of the events: its number, payment, checkout and order, and its capture.
create or replace function holdfast.payment_choose(
    p_shop text, p_events holdfast.payment_events[],
    out o_outcomes text[], out o_order_ids uuid[], out o_numbers integer[],
    out o_references text[], out o_checkout_ids uuid[], out o_chosen_order_ids uuid[],
    out o_gateways text[], out o_capture_ids text[], out o_amounts bigint[],
    out o_currencies text[])
language plpgsql stable set search_path = holdfast, pg_temp as $$
begin
    -- Subqueries and "limit 1" instead of joins: each row is looked up by its whole key
    -- (checkout_choose).
    with said as (
        -- as payment_find finds the payment of an event about money
        select e.ordinality::integer as nth, e.gateway, e.event_key, e.kind, e.amount_minor,
            e.currency, e.gateway_payment_id,
            coalesce(
                (select g.reference from gateway_orders g
                where g.shop = p_shop and g.gateway = e.gateway
                    and g.gateway_order_id = e.gateway_order_id),
                (select p.reference from payments p
                where p.shop = p_shop and p.reference = e.reference)) as reference
        from unnest(p_events) with ordinality e),
    once as (
        select s.*, coalesce(s.gateway_payment_id, s.reference) as capture_id,
            count(*) over (partition by s.reference) = 1
                and count(*) over (partition by s.gateway, s.event_key) = 1
                and count(*) over (
                    partition by s.gateway, coalesce(s.gateway_payment_id, s.reference)) = 1
                as only_one
        from said s),
    chosen as (
        select s.*, o.order_id, o.checkout_id
        from once s left join lateral (
            select p.order_id, o.checkout_id
            from payments p join orders o on o.shop = p.shop and o.order_id = p.order_id
            where s.kind = 'paid' and s.only_one and s.amount_minor > 0
                and p.shop = p_shop and p.reference = s.reference and p.status <> 'paid'
                and p.amount_minor = s.amount_minor and p.currency = s.currency
                and o.status = 'awaiting_payment'
                and (select c.status from checkouts c
                    where c.shop = p_shop and c.checkout_id = o.checkout_id) = 'ordered'
                and (select e.event_key from payment_events e where e.shop = p_shop
                    and e.gateway = s.gateway and e.event_key = s.event_key) is null
                and (select c.reference from payment_captures c where c.shop = p_shop
                    and c.gateway = s.gateway and c.gateway_payment_id = s.capture_id) is null
                and (select c.reference from payment_captures c
                    where c.shop = p_shop and c.reference = s.reference limit 1) is null
            limit 1) o on true)
    select array_agg(case when c.order_id is null then 'apart' else 'completed' end
            order by c.nth),
        array_agg(c.order_id order by c.nth),
        coalesce(array_agg(c.nth order by c.nth) filter (where c.order_id is not null), '{}'),
        array_agg(c.reference order by c.nth) filter (where c.order_id is not null),
        array_agg(c.checkout_id order by c.nth) filter (where c.order_id is not null),
        array_agg(c.order_id order by c.nth) filter (where c.order_id is not null),
        array_agg(c.gateway order by c.nth) filter (where c.order_id is not null),
        array_agg(c.capture_id order by c.nth) filter (where c.order_id is not null),
        array_agg(c.amount_minor order by c.nth) filter (where c.order_id is not null),
        array_agg(c.currency order by c.nth) filter (where c.order_id is not null)
    into o_outcomes, o_order_ids, o_numbers, o_references, o_checkout_ids, o_chosen_order_ids,
        o_gateways, o_capture_ids, o_amounts, o_currencies
    from chosen c;
end;
$$;
