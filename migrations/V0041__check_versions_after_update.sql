-- The version rule looks at the row after it was written, not before. A trigger BEFORE an update
-- makes PostgreSQL lock the row, and log that, before it writes it: on the hottest row there is.
-- What breaks the rule is refused as before, and nothing of it stays; where the row breaks a check
-- as well, it is the check that answers now.
drop trigger stock_version_rises on holdfast.stock_levels;

create trigger stock_version_rises
after update on holdfast.stock_levels
for each row when (new.version is distinct from old.version + 1)
execute function holdfast.refuse(
    'Read the row, then write "set …, version = version + 1 where … and version = <the version you '
    'read>". No row updated means that somebody was faster: read again.');

create or replace function holdfast.announce_stock_crossing() returns trigger
language plpgsql security definer set search_path = holdfast, pg_temp as $$
begin
    -- refused by stock_version_rises, whose turn is after this one
    if new.version is distinct from old.version + 1 then
        return null;
    end if;
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
