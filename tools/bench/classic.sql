-- The routines that Holdfast is compared with.
--
-- `classic.begin` is the usual way to write a reservation: lock the stock row, sum the active
-- holds, insert one. It is correct: it never oversells. The comparison is fair to it: one call, one
-- round trip, an index for the sum, and less work than checkout_begin: no catalogue, no checkout,
-- no idempotency.
--
-- `classic.count` is early lock release alone: one counter, two commits; no hold to release, no
-- price, no idempotency, no triggers. No routine that places a hold in this way can be faster.
--
-- `classic.rows` is the limit: one row into a table with a primary key.
create schema classic;

create table classic.stock (sku text primary key, on_hand integer not null);
create table classic.holds (
    hold_id uuid primary key,
    sku text not null,
    quantity integer not null,
    expires_at timestamptz not null,
    status text not null default 'active'
);
create index on classic.holds (sku) include (quantity, expires_at) where status = 'active';

create function classic.begin(p_hold_id uuid, p_sku text, p_quantity integer) returns text
language plpgsql as $$
declare
    v_on_hand integer;
    v_held bigint;
begin
    select s.on_hand into v_on_hand from classic.stock s where s.sku = p_sku for update;
    select coalesce(sum(h.quantity), 0) into v_held from classic.holds h
    where h.sku = p_sku and h.status = 'active' and h.expires_at > now();
    if v_on_hand - v_held < p_quantity then
        return 'shortage';
    end if;
    insert into classic.holds (hold_id, sku, quantity, expires_at)
    values (p_hold_id, p_sku, p_quantity, now() + interval '20 minutes');
    return 'held';
end;
$$;

create table classic.counters (
    sku text primary key,
    on_hand integer not null,
    held integer not null check (held <= on_hand)
) with (fillfactor = 20);

create procedure classic.count(p_sku text, p_quantity integer) language plpgsql as $$
declare
    v_set text := set_config('synchronous_commit', 'off', true);
    v_flush pg_lsn;
begin
    update classic.counters c set held = c.held + p_quantity
    where c.sku = p_sku and c.on_hand - c.held >= p_quantity;
    commit;
    v_flush := pg_logical_emit_message(true, 'holdfast', '');
end;
$$;

create table classic.rows (row_id uuid primary key);

insert into classic.stock values ('HOT', 900000000);
insert into classic.counters values ('HOT', 900000000, 0);
grant usage on schema classic to holdfast_checkout;
grant select, insert, update on all tables in schema classic to holdfast_checkout;

select holdfast.shop_put('main', 'Benchmark', 'INR');
select holdfast.sku_put('main', 'HOT', 'The one dress', '{}', 4990000);
select holdfast.sku_put('main', 'SOLD-OUT', 'The other dress', '{}', 4990000);
select holdfast.sku_put('main', 'RUSH', 'A hundred of a dress', '{}', 4990000);
select holdfast.stock_adjust('main', 'RUSH', 100, null, 'received', 'bench', null);
select holdfast.stock_adjust('main', 'HOT', 900000000, null, 'received', 'bench', null);
