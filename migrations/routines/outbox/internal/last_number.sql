-- The number of the last message of a group; null without one. A sent one counts, too: a subscriber
-- may still wait for it. Sees the messages of its own statement. Called where Citus is loaded, and
-- `holdfast distribute` makes the index of all groups: one look at its end. Without sorts only that
-- index gives the order: a planner that believes that the table is empty may otherwise read all of
-- it, and sort. No locks.
create or replace function holdfast.outbox_last_number(p_shop text, p_group text) returns bigint
language plpgsql set search_path = holdfast, pg_temp set enable_sort = off as $$
begin
    return (
        select b.number from outbox_messages b
        where b.shop = p_shop and b.group_key = p_group
        order by b.number desc limit 1);
end;
$$;
