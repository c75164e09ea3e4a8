//! Brings the schema and its routines to this release, from an empty database or from any earlier
//! release, while callers go on.
//!
//! Versioned files run once, forward only, each in a transaction. Then every routine is written
//! again, and each role gets its rights (`migrations/rights/rights.sql`), all in one transaction: a
//! call meets either the old routines or the new ones. `create or replace` keeps a routine's
//! identity, so a call that is under way goes on.
//!
//! Every transaction takes the same lock, and then looks for the next step. So two runs at once do
//! each step once, even through a pooler that gives each transaction another session.

mod error;
mod history;
mod online;
mod release;

use std::time::Duration;

use rand::Rng as _;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Transaction};

pub use error::MigrateError;
use error::failed;
use history::Next;
pub use release::{File, Release};

/// The advisory lock that keeps two migrations apart. The number is arbitrary, but must never
/// change.
const LOCK: i64 = 0x486f_6c64_6661_7374;
/// How long to wait for another migration's step.
const MIGRATION_LOCK_TIMEOUT: &str = "60s";
/// How long a statement of a migration waits for a table's lock. Every later call on that table
/// waits behind it. If too high, shoppers notice. If too low, a migration beside slow work needs
/// more tries.
const TABLE_LOCK_TIMEOUT: &str = "1s";
/// How many tries, of all steps together, may fail to get their locks. With a pause of up to
/// [`PAUSE_MAX`] before each, this takes about a minute.
const BUSY_MAX: u32 = 30;
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MigrateReport {
    /// The versioned files that were applied, oldest first; none when the schema was up to date.
    pub applied: Vec<String>,
    /// How many routines were written again.
    pub routines: usize,
    /// The newer release (or its last file) that the database had already, and that stays as it is.
    pub left_to: Option<String>,
}

/// Optional work of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Write this release's routines over those of a newer one, because the newer ones are wrong.
    /// Tables stay as they are.
    pub put_back_routines: bool,
}

/// Brings the database to this release, or leaves it as it is if it has a newer one. Waits for
/// another migration for up to 60 seconds. The connection belongs to `holdfast_migrator` or another
/// member of `holdfast_owner`; before the first migration, to a role that owns the database and may
/// create roles.
///
/// # Errors
/// [`MigrateError`]. The run may be repeated.
pub async fn run(client: &mut Client) -> Result<MigrateReport, MigrateError> {
    run_release(client, &Release::this(), Options::default()).await
}

/// As [`run`], with any release.
///
/// # Errors
/// As [`run`].
pub async fn run_release(
    client: &mut Client,
    release: &Release,
    options: Options,
) -> Result<MigrateReport, MigrateError> {
    let mut report = MigrateReport {
        applied: Vec::new(),
        routines: 0,
        left_to: None,
    };
    let mut busy = 0;
    loop {
        match step(client, release, options, &mut report).await {
            Ok(true) => {}
            Ok(false) => return Ok(report),
            Err(error) if is_busy(&error) && busy < BUSY_MAX => {
                busy += 1;
                let pause = rand::rng().random_range(PAUSE_MAX / 10..=PAUSE_MAX);
                let causes = operations::cause::causes(&error);
                tracing::warn!(busy, causes, "another session has the lock; trying again");
                tokio::time::sleep(pause).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// One step in one transaction; whether there may be another one.
async fn step(
    client: &mut Client,
    release: &Release,
    options: Options,
    report: &mut MigrateReport,
) -> Result<bool, MigrateError> {
    let transaction = begin(client).await?;
    history::make_tables(&transaction).await?;
    match history::next(&transaction, release).await? {
        Next::Version(file) if file.is_online() => {
            commit(transaction).await?;
            online::apply(client, file).await?;
            let transaction = begin(client).await?;
            // Another run may have built it and written it down.
            let next = history::next(&transaction, release).await?;
            if matches!(next, Next::Version(next) if next == file) {
                history::applied(&transaction, file).await?;
                commit(transaction).await?;
                report.applied.push(file.name.clone());
            }
            return Ok(true);
        }
        Next::Version(file) => {
            execute(&transaction, &file.name, &file.text).await?;
            history::applied(&transaction, file).await?;
            commit(transaction).await?;
            report.applied.push(file.name.clone());
            return Ok(true);
        }
        Next::LeaveTo(newer) => {
            report.left_to = Some(newer);
            if !options.put_back_routines {
                return Ok(false);
            }
            // The newer release's rights stay: its functions may be running.
            write_routines(&transaction, &release.routines).await?;
        }
        Next::Routines => {
            history::released(&transaction, release).await?;
            write_routines(&transaction, &release.routines).await?;
            execute(&transaction, &release.rights.name, &release.rights.text).await?;
        }
    }
    commit(transaction).await?;
    report.routines = release.routines.len();
    Ok(false)
}

/// A transaction that excludes those of other migrations.
async fn begin(client: &mut Client) -> Result<Transaction<'_>, MigrateError> {
    let transaction = client.transaction().await.map_err(failed("begin"))?;
    // Settings and lock end with the transaction: a pooler's session keeps nothing of them.
    let lock = format!(
        "set local lock_timeout = '{MIGRATION_LOCK_TIMEOUT}'; \
         select pg_advisory_xact_lock({LOCK}); \
         set local lock_timeout = '{TABLE_LOCK_TIMEOUT}'"
    );
    execute(&transaction, LOCK_STEP, &lock).await?;
    execute(&transaction, "becoming the schema's owner", AS_OWNER).await?;
    Ok(transaction)
}

const LOCK_STEP: &str = "waiting for the lock on migrations";

/// A migration acts as the schema's owner, so that everything new belongs to it. Before V0001 has
/// made that role, the schema belongs to the role that migrates.
const AS_OWNER: &str = "do $$
    begin
        if exists (select from pg_namespace
            where nspname = 'holdfast' and nspowner = to_regrole('holdfast_owner'))
        then
            set local role holdfast_owner;
        end if;
    end;
    $$";

async fn write_routines(
    transaction: &Transaction<'_>,
    routines: &[File],
) -> Result<(), MigrateError> {
    for file in routines {
        execute(transaction, &file.name, &file.text).await?;
    }
    Ok(())
}

async fn execute(transaction: &Transaction<'_>, step: &str, sql: &str) -> Result<(), MigrateError> {
    transaction.batch_execute(sql).await.map_err(failed(step))
}

async fn commit(transaction: Transaction<'_>) -> Result<(), MigrateError> {
    transaction.commit().await.map_err(failed("commit"))
}

/// Whether the step did not get a lock that the next try may get. The wait for the lock on
/// migrations was long enough.
fn is_busy(error: &MigrateError) -> bool {
    let MigrateError::Database { step, source } = error else {
        return false;
    };
    let busy = [
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ];
    step != LOCK_STEP && source.code().is_some_and(|code| busy.contains(code))
}
