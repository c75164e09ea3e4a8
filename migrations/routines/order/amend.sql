-- Sets the lines of a booking to a new whole: another party size, or another departure, both or
-- neither. The entry that callers use; order_amend_core decides.
--
-- Outcomes: amended, same (the order has these lines already), not_found, not_offline, order_ended,
-- order_has_coupon, stale (p_expected_version is not the order's), unknown_sku, not_on_sale,
-- limit_reached (o_refused_available then says how many more the customer may have), shortage. With
-- amended, same and stale comes the order as it is. A refusal changes nothing. Due
-- holds are reclaimed before a shortage and the row lock is released early, both as in
-- checkout_begin.
create or replace procedure holdfast.order_amend(
    p_shop text, p_checkout_id uuid, p_expected_version bigint, p_actor text,
    p_skus text[], p_quantities integer[],
    inout o_outcome text default null, inout o_order jsonb default null,
    inout o_refused_skus text[] default null, inout o_refused_available integer[] default null)
language plpgsql as $$
declare
    v_early boolean := holdfast.early_release_allowed();
    v_tries integer := 0;
    -- reclaims in a row that freed nothing: what is due there can't be expired, the promises' check
    -- reports it
    v_idle integer := 0;
    v_reclaimed integer;
    v_customer text;
begin
    loop
        v_tries := v_tries + 1;
        if v_early then
            set local synchronous_commit = off;
        end if;
        select c.o_outcome, c.o_order, c.o_refused_skus, c.o_refused_available, c.o_customer
        into o_outcome, o_order, o_refused_skus, o_refused_available, v_customer
        from holdfast.order_amend_core(
            p_shop, p_checkout_id, p_expected_version, p_actor, p_skus, p_quantities) c;
        exit when o_outcome in ('amended', 'same');
        -- a move whose other end is full: what was given back on the way is taken again
        rollback;
        exit when o_outcome not in ('again', 'reclaim', 'reclaim_customer');
        if v_tries = 1000 then
            raise exception using errcode = 'serialization_failure',
                message = 'order_amend: others were faster a thousand times';
        end if;
        if o_outcome <> 'again' then
            v_reclaimed := case o_outcome
                when 'reclaim'
                    then holdfast.checkout_reclaim(p_shop, o_refused_skus, null, null)
                else holdfast.checkout_reclaim(p_shop, null, null, v_customer)
            end;
            v_idle := case v_reclaimed when 0 then v_idle + 1 else 0 end;
            commit;
            if v_idle = 3 then
                o_outcome := case o_outcome when 'reclaim' then 'shortage' else 'limit_reached' end;
                exit;
            end if;
        end if;
    end loop;
    if v_early and o_outcome in ('amended', 'same') then
        commit;
        perform pg_logical_emit_message(true, 'holdfast', '');
    end if;
end;
$$;
