-- Checks, before an order is made, that its total can be paid at a gateway (null: the caller names
-- none). A total of zero needs no gateway. p_ready: the request has everything else that the
-- gateway needs. Outcomes: payable; payer_incomplete; amount_not_payable, with the gateway's
-- bounds.
create or replace function holdfast.amount_check(
    p_gateway text, p_ready boolean, p_total_minor bigint, p_currency text,
    out o_outcome text, out o_details jsonb)
language plpgsql immutable set search_path = holdfast, pg_temp as $$
declare
    v_bound record;
begin
    o_outcome := 'payable';
    if p_gateway is null or p_total_minor = 0 then
        return;
    end if;
    v_bound := amount_bound(p_gateway, p_currency);
    if p_total_minor < v_bound.o_minimum_minor or p_total_minor > v_bound.o_maximum_minor
        or p_total_minor % v_bound.o_step_minor <> 0
    then
        o_outcome := 'amount_not_payable';
        o_details := jsonb_build_object('gateway', p_gateway, 'total_minor', p_total_minor,
            'currency', p_currency, 'minimum_minor', v_bound.o_minimum_minor,
            'maximum_minor', v_bound.o_maximum_minor, 'step_minor', v_bound.o_step_minor);
    elsif not p_ready then
        o_outcome := 'payer_incomplete';
    end if;
end;
$$;
