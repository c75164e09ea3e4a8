-- What migrate or a person has chosen for this database: `message`, `row-lock` or `off`.
-- early_release_write puts the choice into this function, so PostgreSQL plans every call with a
-- constant. Stable, though it looks immutable: a session that has put an immutable function's value
-- into its plans keeps them when the function is replaced. Rejected: a read of
-- schema_early_release, a statement more in each call; a setting of the database, which only a
-- superuser may make.
create or replace function holdfast.early_release_chosen() returns text
language sql stable as $$ select 'off'::text $$;
