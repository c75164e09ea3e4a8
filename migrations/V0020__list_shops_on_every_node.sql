-- The list of all shops, and the order of announcements in a cluster whose shops move. No release
-- has run on these tables yet, so the linter's warnings of long locks are ignored.

-- The codes of all shops. On a Citus cluster this is a reference table: every node has a whole
-- copy, so a sweep knows all shops while a node is down (docs/decisions/0022). It names codes and
-- nothing else: a change of it needs every node.
create table holdfast.shop_codes (
    shop text collate "C" not null
        constraint shop_code_is_short_and_plain check (shop ~ '^[a-z0-9]{1,12}$'),
    primary key (shop)
);
insert into holdfast.shop_codes (shop) select s.shop from holdfast.shops s;

do $$ begin
    -- A cluster that has distributed its shops already: they may point to a reference table alone.
    if to_regclass('pg_catalog.pg_dist_partition') is not null then
        perform create_reference_table('holdfast.shop_codes') from pg_dist_partition p
        where p.logicalrelid = 'holdfast.shops'::regclass;
    end if;
end $$;

-- No shop can be missing from the list.
alter table holdfast.shops
    -- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
    add constraint shop_is_listed foreign key (shop) references holdfast.shop_codes;

-- A message is behind every other one of its group, sent ones too. The sequence alone gives that on
-- one server. On Citus each node has numbers of its own, and a shop may move to a node with smaller
-- ones. This is one look at the end of an index.
create or replace function holdfast.set_outbox_group() returns trigger
language plpgsql security definer set search_path = holdfast, pg_temp as $$
declare
    v_last bigint;
begin
    new.group_key := outbox_group(new.shop, new.topic, new.subject, new.body);
    -- a setting that Citus has: one server needs no look at the index
    if current_setting('citus.shard_count', true) is not null then
        v_last := outbox_last_number(new.shop, new.group_key);
        new.number := greatest(new.number, v_last + 1);
    end if;
    return new;
end;
$$;

-- They take the shops of one node from now on, and shop_list names the node.
-- squawk-ignore ban-drop-function
drop function if exists holdfast.shop_list();
-- squawk-ignore ban-drop-function
drop function if exists holdfast.outbox_waiting();
-- squawk-ignore ban-drop-function
drop function if exists holdfast.subscriber_waiting();
-- squawk-ignore ban-drop-function
drop function if exists holdfast.subscriber_backlog();
-- squawk-ignore ban-drop-function
drop function if exists holdfast.backlog_read();
-- squawk-ignore ban-drop-function
drop function if exists holdfast.refund_backlog();
-- squawk-ignore ban-drop-function
drop function if exists holdfast.hold_backlog();
-- squawk-ignore ban-drop-function
drop function if exists holdfast.promises_due();
