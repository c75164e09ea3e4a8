-- The smallest possible reservation of a cart: a prototype of checkout_begin.
--
-- One procedure on its own tables reads the price, writes the checkout (idempotent by its id) and a
-- hold for each line, and counts, with early lock release. It lacks everything else that a shop
-- needs: a role, replacing, limits, sale times, ledger, events, a version that a trigger raises,
-- further indexes and checks. Its lead over checkout_begin is the cost of all of these. Its
-- distance to the limit is the minimal cost of a hold.
create schema prototype;

create table prototype.stock (
    shop text,
    sku text,
    on_hand integer not null,
    held integer not null check (held <= on_hand),
    price_minor bigint not null,
    primary key (shop, sku)
) with (fillfactor = 20);
create table prototype.checkouts (
    shop text,
    checkout_id uuid,
    customer text not null,
    request_hash bytea not null,
    expires_at timestamptz not null,
    primary key (shop, checkout_id)
);
create table prototype.holds (
    shop text,
    checkout_id uuid,
    sku text,
    quantity integer not null,
    price_minor bigint not null,
    expires_at timestamptz not null,
    primary key (shop, checkout_id, sku)
);

create procedure prototype.begin(
    p_shop text, p_checkout_id uuid, p_customer text, p_request_hash bytea, p_skus text[],
    p_quantities integer[], inout o_outcome text default null,
    inout o_expires_at timestamptz default null, inout o_prices bigint[] default null)
language plpgsql as $$
declare
    v_set text := set_config('synchronous_commit', 'off', true);
    v_flush pg_lsn;
    v_price bigint;
begin
    o_expires_at := clock_timestamp() + interval '20 minutes';
    insert into prototype.checkouts (shop, checkout_id, customer, request_hash, expires_at)
    values (p_shop, p_checkout_id, p_customer, p_request_hash, o_expires_at)
    on conflict do nothing;
    if not found then
        o_outcome := 'same';
        return;
    end if;
    for i in 1 .. cardinality(p_skus) loop
        select s.price_minor into v_price from prototype.stock s
        where s.shop = p_shop and s.sku = p_skus[i];
        o_prices[i] := v_price;
        insert into prototype.holds (shop, checkout_id, sku, quantity, price_minor, expires_at)
        values (p_shop, p_checkout_id, p_skus[i], p_quantities[i], v_price, o_expires_at);
    end loop;
    for i in 1 .. cardinality(p_skus) loop
        update prototype.stock s set held = s.held + p_quantities[i]
        where s.shop = p_shop and s.sku = p_skus[i] and s.on_hand - s.held >= p_quantities[i];
        if not found then
            rollback;
            o_outcome := 'shortage';
            return;
        end if;
    end loop;
    o_outcome := 'placed';
    commit;
    v_flush := pg_logical_emit_message(true, 'holdfast', '');
end;
$$;

insert into prototype.stock values ('main', 'HOT', 900000000, 0, 4990000);
grant usage on schema prototype to holdfast_checkout;
grant select, insert, update on all tables in schema prototype to holdfast_checkout;
