//! What has been done to a database, and what comes next. The tables are the runner's own: what
//! they say is true in the transaction that reads them, because every one of them takes the lock.

use refinery::Migration;
use tokio_postgres::Transaction;
use tokio_postgres::types::Type;

use super::release::{File, Number, Release};
use super::{MigrateError, failed};

/// `schema_history` is what refinery made for release 0.1.0, and its checksums are refinery's.
const TABLES: &str = "
    create schema if not exists holdfast;
    create table if not exists holdfast.schema_history (
        version integer primary key,
        name varchar(255),
        applied_on varchar(255),
        checksum varchar(255));
    create table if not exists holdfast.schema_release (
        only_one boolean primary key default true check (only_one),
        release text not null,
        callers_from text not null,
        written_at timestamptz not null)";

/// What is to be done next.
pub(super) enum Next<'a> {
    /// This versioned file.
    Version(&'a File),
    /// The routines; every versioned file is applied.
    Routines,
    /// Nothing: a newer release was here, and this one's functions work with it.
    LeaveTo(String),
}

pub(super) async fn make_tables(transaction: &Transaction<'_>) -> Result<(), MigrateError> {
    // Asked first, so that a run that changes nothing says nothing.
    let there = "select to_regclass('holdfast.schema_release') is not null";
    let step = "looking for the history";
    let row = transaction
        .query_typed(there, &[])
        .await
        .map_err(failed(step))?;
    if row.first().is_some_and(|row| row.get(0)) {
        return Ok(());
    }
    transaction
        .batch_execute(TABLES)
        .await
        .map_err(failed("making the history's tables"))
}

/// Compares what was done with what `release` brings.
pub(super) async fn next<'a>(
    transaction: &Transaction<'_>,
    release: &'a Release,
) -> Result<Next<'a>, MigrateError> {
    let step = "reading the history";
    let query = "select release, callers_from from holdfast.schema_release";
    let rows = transaction
        .query_typed(query, &[])
        .await
        .map_err(failed(step))?;
    if let Some(row) = rows.first() {
        let (there, callers_from): (String, String) = (row.get(0), row.get(1));
        let newer = there.parse::<Number>().is_ok_and(|n| n > release.number);
        if newer
            && callers_from
                .parse::<Number>()
                .is_ok_and(|n| n <= release.number)
        {
            return Ok(Next::LeaveTo(there));
        }
        if newer {
            return Err(MigrateError::TooNew {
                there,
                callers_from,
                this: release.number.to_string(),
            });
        }
    }
    let query = "select version, name, checksum from holdfast.schema_history order by version";
    let rows = transaction
        .query_typed(query, &[])
        .await
        .map_err(failed(step))?;
    let mut applied = rows
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect::<Vec<(i32, String, String)>>()
        .into_iter()
        .peekable();
    for file in &release.versions {
        let migration = Migration::unapplied(&file.name, &file.text)?;
        let Some((version, name, checksum)) = applied.next() else {
            return Ok(Next::Version(file));
        };
        if version < migration.version() {
            return Err(MigrateError::Unknown(file_name(version, &name)));
        }
        if version > migration.version() {
            return Err(MigrateError::Skipped(file.name.clone()));
        }
        if name != migration.name() || checksum != migration.checksum().to_string() {
            return Err(MigrateError::Changed(file.name.clone()));
        }
    }
    match applied.last() {
        // Somebody's work in progress has the number of this release, and more files.
        Some((version, name, _)) => Ok(Next::LeaveTo(file_name(version, &name))),
        None => Ok(Next::Routines),
    }
}

fn file_name(version: i32, name: &str) -> String {
    format!("V{version:04}__{name}")
}

/// Writes down that a versioned file is applied.
pub(super) async fn applied(
    transaction: &Transaction<'_>,
    file: &File,
) -> Result<(), MigrateError> {
    let migration = Migration::unapplied(&file.name, &file.text)?;
    let insert = "insert into holdfast.schema_history values ($1, $2, \
        to_char(now() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), $3)";
    let checksum = migration.checksum().to_string();
    transaction
        .execute_typed(
            insert,
            &[
                (&migration.version(), Type::INT4),
                (&migration.name(), Type::VARCHAR),
                (&checksum, Type::VARCHAR),
            ],
        )
        .await
        .map_err(failed("writing the history"))?;
    Ok(())
}

/// Writes down whose routines these are.
pub(super) async fn released(
    transaction: &Transaction<'_>,
    release: &Release,
) -> Result<(), MigrateError> {
    let upsert = "insert into holdfast.schema_release as r (release, callers_from, written_at) \
        values ($1, $2, now()) on conflict (only_one) do update \
        set (release, callers_from, written_at) = \
            (excluded.release, excluded.callers_from, excluded.written_at)";
    let (number, from) = (release.number.to_string(), release.callers_from.to_string());
    transaction
        .execute_typed(upsert, &[(&number, Type::TEXT), (&from, Type::TEXT)])
        .await
        .map_err(failed("writing the release"))?;
    Ok(())
}
