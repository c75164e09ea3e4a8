-- Makes a half-done transaction impossible to commit. Some routines find out only after their first
-- writes that a call can't succeed, because another call took the unit in between. They answer a
-- refusal, and their caller must roll back. A row in this table enforces this: nobody can commit
-- the row, nor any other write of its transaction. A successful call pays nothing for this.
-- Rejected: an exception, which costs each shopper of a rush a round trip; a savepoint for every
-- hold; and undoing the writes, which the triggers that protect the journal refuse.

-- Unlogged, because it is empty after every commit.
create unlogged table holdfast.must_roll_back (
    shop text collate "C" not null
);

create constraint trigger must_roll_back_is_never_committed
after insert on holdfast.must_roll_back deferrable initially deferred
for each row execute function holdfast.refuse(
    'Roll back: the routine that you called answered no after it had begun to write. Or call the '
    'procedure without _attempt in its name, which does that by itself.');
