-- Which of the announcements that a shop can do without it wants. No row: none of them.
create table holdfast.announcements (
    shop text collate "C" not null references holdfast.shops,
    -- one message for each checkout that runs out: in a flash sale as many as there are shoppers
    checkout_expired boolean not null,
    primary key (shop)
);
