-- Whether no operation may free its locks early for now, because shards move (early_release_pause).
alter table holdfast.schema_early_release add column paused boolean not null default false;
