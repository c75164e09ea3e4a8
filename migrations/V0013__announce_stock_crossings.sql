-- Low stock and back in stock, once for each crossing, whoever writes: a trigger, because every
-- routine and every hand-written statement that changes what is available would have to think of
-- it. The condition stands in the WHEN clause: a row that crosses nothing calls nothing.
create function holdfast.announce_stock_crossing() returns trigger
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    -- the version makes the crossing's number: no other update of this row has the same
    insert into outbox_messages (shop, topic, subject, body, created_at)
    select new.shop, crossing.topic, new.sku || '@' || new.version,
        jsonb_build_object('sku', new.sku, 'available', new.on_hand - new.held,
            'low_stock_threshold', new.low_stock_threshold, 'version', new.version),
        clock_timestamp()
    from (values
        ('stock.low', old.on_hand - old.held > old.low_stock_threshold
            and new.on_hand - new.held <= new.low_stock_threshold),
        ('stock.back', old.on_hand = old.held and new.on_hand > new.held)) crossing (topic, crossed)
    where crossing.crossed;
    return null;
end;
$$;

create trigger stock_crossing_is_announced
after update on holdfast.stock_levels
for each row when (
    old.on_hand - old.held > old.low_stock_threshold
        and new.on_hand - new.held <= new.low_stock_threshold
    or old.on_hand = old.held and new.on_hand > new.held)
execute function holdfast.announce_stock_crossing();
