-- What makes a half done transaction impossible to commit.

-- Some routines learn only after their first writes that a call can't go through: the unit was
-- there when they looked and gone when they took it. Their callers roll back and decide anew. A row
-- in here makes that a rule: nobody can commit it, and with it none of the writes before it,
-- whoever the caller is. It costs nothing where a call goes through. Rejected: an exception, which
-- would cost each shopper of a rush a round trip, or a savepoint for every hold; and undoing the
-- writes, which would have to pass the triggers that protect the journal.
-- Unlogged, because it is empty at every commit.
create unlogged table holdfast.refused_work (
    shop text collate "C" not null
);

create constraint trigger refused_work_is_rolled_back
after insert on holdfast.refused_work deferrable initially deferred
for each row execute function holdfast.refuse(
    'Roll back: the routine that you called answered no after it had begun to write. Or call the '
    'procedure without _core in its name, which does that by itself.');
