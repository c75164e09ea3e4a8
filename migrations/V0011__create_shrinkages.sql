-- Stock that is found missing, also where it is held.

-- A reason of its own in the ledger, so that what was lost can be told from what was counted wrong.
alter table holdfast.stock_movements
    drop constraint movement_reason_is_known,
    add constraint movement_reason_is_known
        check (reason in ('received', 'adjusted', 'sold', 'returned', 'missing'));

-- Whose holds a movement `missing` has broken: the answer, for the same request again. Everything
-- else about it stands in the ledger.
create table holdfast.shrinkages (
    shop text collate "C" not null,
    sku text collate "C" not null,
    version bigint not null,
    broken jsonb not null constraint shrinkage_broken_is_a_list
        check (jsonb_typeof(broken) = 'array'),
    primary key (shop, sku, version),
    foreign key (shop, sku, version) references holdfast.stock_movements
);

create trigger shrinkage_is_history
before update or delete on holdfast.shrinkages
for each row execute function holdfast.refuse('Stock that turns up again is a stock adjustment.');
