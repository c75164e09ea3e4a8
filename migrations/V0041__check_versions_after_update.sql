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

-- Triggers fire in the order of their names, and only what keeps the rule is announced: this one
-- comes after stock_version_rises. No client knows a trigger by its name.
alter trigger stock_crossing_is_announced on holdfast.stock_levels
    -- squawk-ignore renaming-object
    rename to stock_went_low_or_came_back;
