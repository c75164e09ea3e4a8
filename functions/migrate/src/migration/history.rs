//! The history of a database, and its next step. The tables belong to the runner, which reads and
//! writes them under its lock.
//!
//! The lock is a table of the runner, so only the owner can take it. Rejected: an advisory lock.
//! Every role of the database may take any of those, and would block all releases.

use semver::Version;
use sha2::{Digest as _, Sha256};
use tokio_postgres::Transaction;
use tokio_postgres::types::Type;

use super::error::{MigrateError, failed};
use super::release::{File, Release};

const TABLES: &str = "
    create schema if not exists holdfast;
    create table if not exists holdfast.schema_history (
        file text collate \"C\" primary key,
        sha256 bytea not null,
        applied_at timestamptz not null default now());
    create table if not exists holdfast.schema_release (
        only_one boolean primary key default true check (only_one),
        release text collate \"C\" not null,
        callers_from text collate \"C\" not null,
        written_at timestamptz not null);
    create table if not exists holdfast.schema_build (
        only_one boolean primary key default true check (only_one),
        file text collate \"C\" not null,
        pid integer not null,
        backend_start timestamptz);
    create table if not exists holdfast.schema_early_release (
        only_one boolean primary key default true check (only_one),
        probed text collate \"C\" not null check (probed in ('message', 'row-lock')),
        probed_why text collate \"C\" not null,
        chosen text collate \"C\" check (chosen in ('message', 'row-lock', 'off')),
        chosen_by text collate \"C\" check (chosen_by in ('person', 'deployment')),
        check ((chosen is null) = (chosen_by is null)))";
/// No reader waits for this lock, and it excludes itself.
const LOCK: &str = "lock table holdfast.schema_release in share row exclusive mode";

/// The next step.
pub(super) enum Next<'a> {
    /// This versioned file.
    Version(&'a File),
    /// The routines: every versioned file is applied.
    Routines,
    /// Nothing: a newer release (or file) is here, and serves the functions of this one.
    LeaveTo(String),
}

/// Excludes other migrations until the end of the transaction. The first migration makes the
/// tables: another one waits for their names, and then fails, because they exist.
pub(super) async fn lock(transaction: &Transaction<'_>) -> Result<(), MigrateError> {
    // Looks first, so that a run that changes nothing logs nothing.
    let there = "select to_regclass('holdfast.schema_release') is not null";
    let step = "looking for the history";
    let rows = transaction.query_typed(there, &[]).await;
    let there = rows.map_err(failed(step))?.iter().any(|row| row.get(0));
    let taken = transaction.batch_execute(if there { LOCK } else { TABLES });
    taken.await.map_err(failed(LOCK_STEP))
}

/// The step that waits for another migration.
pub(super) const LOCK_STEP: &str = "waiting for the lock on migrations";

/// Compares the applied files with those of `release`.
pub(super) async fn next<'a>(
    transaction: &Transaction<'_>,
    release: &'a Release,
) -> Result<Next<'a>, MigrateError> {
    if let Some(newer) = newer_release(transaction, release).await? {
        return Ok(Next::LeaveTo(newer));
    }
    let query = "select file, sha256 from holdfast.schema_history order by file";
    let rows = transaction.query_typed(query, &[]).await;
    let rows = rows.map_err(failed("reading the history"))?;
    let mut applied = rows.iter().map(|row| (row.get(0), row.get(1)));
    for file in &release.versions {
        let Some((name, sha256)): Option<(String, Vec<u8>)> = applied.next() else {
            return Ok(Next::Version(file));
        };
        if name < file.name {
            return Err(MigrateError::Unknown(name));
        }
        if name > file.name {
            return Err(MigrateError::Skipped(file.name.clone()));
        }
        if sha256 != sum(file) {
            return Err(MigrateError::Changed(name));
        }
    }
    Ok(match applied.last() {
        // Work in progress: the number of this release, and more files.
        Some((name, _)) => Next::LeaveTo(name),
        None => Next::Routines,
    })
}

/// The database's release, where it is newer than `release` and serves its functions.
async fn newer_release(
    transaction: &Transaction<'_>,
    release: &Release,
) -> Result<Option<String>, MigrateError> {
    let query = "select release, callers_from from holdfast.schema_release";
    let rows = transaction.query_typed(query, &[]).await;
    let rows = rows.map_err(failed("reading the release"))?;
    let Some((there, callers_from)) = rows.first().map(|row| (row.get(0), row.get(1))) else {
        return Ok(None);
    };
    let number = |text: &String| Version::parse(text).ok();
    if number(&there).is_none_or(|there| there <= release.number) {
        return Ok(None);
    }
    if number(&callers_from).is_some_and(|oldest| oldest <= release.number) {
        return Ok(Some(there));
    }
    Err(MigrateError::TooNew {
        there,
        callers_from,
        this: release.number.to_string(),
    })
}

fn sum(file: &File) -> Vec<u8> {
    Sha256::digest(&file.text).to_vec()
}

/// Writes down that a versioned file is applied.
pub(super) async fn applied(
    transaction: &Transaction<'_>,
    file: &File,
) -> Result<(), MigrateError> {
    let insert = "insert into holdfast.schema_history (file, sha256) values ($1, $2)";
    let values = [
        (&file.name as _, Type::TEXT),
        (&sum(file) as _, Type::BYTEA),
    ];
    let inserted = transaction.execute_typed(insert, &values).await;
    inserted.map_err(failed("writing the history")).map(|_| ())
}

/// Writes down the release of the routines.
pub(super) async fn released(
    transaction: &Transaction<'_>,
    release: &Release,
) -> Result<(), MigrateError> {
    let upsert = "insert into holdfast.schema_release as r (release, callers_from, written_at) \
        values ($1, $2, now()) on conflict (only_one) do update \
        set (release, callers_from, written_at) = \
            (excluded.release, excluded.callers_from, excluded.written_at)";
    let (number, from) = (release.number.to_string(), release.callers_from.to_string());
    let values = [(&number as _, Type::TEXT), (&from as _, Type::TEXT)];
    let written = transaction.execute_typed(upsert, &values).await;
    written.map_err(failed("writing the release")).map(|_| ())
}
