-- The number of the last unsent message of a group; null without one. Sees the messages of its own
-- statement, too. One look at the end of an index. Without sorts only the index of the group gives
-- the order: a planner that believes that no message waits may otherwise read all that wait, and
-- sort. No locks.
create or replace function holdfast.outbox_last_number(p_shop text, p_group text) returns bigint
language plpgsql set search_path = holdfast, pg_temp set enable_sort = off as $$
begin
    return (
        select b.number from outbox_messages b
        where b.shop = p_shop and b.group_key = p_group and b.sent_at is null
        order by b.number desc limit 1);
end;
$$;
