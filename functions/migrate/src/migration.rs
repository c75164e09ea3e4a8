//! The schema and its routines: applied at deploy and locally, from empty and from every earlier
//! release, while callers go on.
//!
//! Versioned files run once, forward only, each in a transaction; then every routine is written
//! again, all of them in one transaction, so that a call meets either the old ones or the new ones.
//! `create or replace` keeps a routine's identity: a call that is under way goes on. In the same
//! transaction each role gets its rights on them anew (`migrations/rights/rights.sql`).
//!
//! Every transaction takes the same lock and reads in its own what is still to be done. So two runs
//! at once do each step once, also through a pooler that gives each transaction another session.

mod history;
mod online;
mod release;

use std::time::Duration;

use rand::Rng as _;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Transaction};

use self::history::Next;
pub use self::release::{File, InvalidNumber, Number, Release};

/// The advisory lock that keeps two migrations apart; any number, as long as it is always this one.
const LOCK: i64 = 0x486f_6c64_6661_7374;
/// How long to wait for another migration's step.
const MIGRATION_LOCK_TIMEOUT: &str = "60s";
/// How long a statement of a migration waits for a table's lock. Whoever comes after it waits
/// behind it, on the hot path too: longer, and shoppers notice; shorter, and a migration that
/// comes while something slow runs takes more tries.
const TABLE_LOCK_TIMEOUT: &str = "1s";
/// Tries of all steps together that could not get their locks, with a pause of up to
/// [`PAUSE_MAX`] before each: about a minute.
const BUSY_MAX: u32 = 30;
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MigrateReport {
    /// The versioned files that were applied, oldest first; none when the schema was up to date.
    pub applied: Vec<String>,
    /// How many routine files were written again.
    pub routines: usize,
    /// The newer release (or its last file) that was here before, and that was left as it is.
    pub left_to: Option<String>,
}

/// Why a migration did not happen. Nothing of the failed step is left behind.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database can't be reached.
    #[error(transparent)]
    Connect(#[from] operations::db::Failure),
    /// The connection, the lock or a statement failed.
    #[error("{step} failed")]
    Database {
        /// What was being done: a file's name, or the lock.
        step: String,
        /// What the server said.
        source: tokio_postgres::Error,
    },
    /// A file of this release has a name that says no version.
    #[error("a versioned file can't be read")]
    Name(#[from] refinery::Error),
    /// The database has it, and it was changed since.
    #[error("{0} is already applied, but the file has changed since")]
    Changed(String),
    /// The database has it, and this release does not.
    #[error("{0} is applied, and this release has no such file")]
    Unknown(String),
    /// This release has it, and the database has later ones only.
    #[error("{0} is not applied, but later files are")]
    Skipped(String),
    /// Another run is at it for too long.
    #[error("{0}: another migration is working on it")]
    Building(String),
    /// A pooler gives each transaction another session.
    #[error("{0} runs outside a transaction and needs a connection without a transaction pooler")]
    Pooled(String),
    /// The functions of this release would fail: the database has moved on too far.
    #[error(
        "the database is of release {there}, for functions from {callers_from} on; this is {this}"
    )]
    TooNew {
        /// The database's release.
        there: String,
        /// The oldest release whose functions it serves.
        callers_from: String,
        /// The release that was to be applied.
        this: String,
    },
}

/// What a run may do that it does not do by itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Write this release's routines over those of a newer one: when those turn out to be wrong,
    /// and going back is faster than a correction. Tables stay as they are.
    pub put_back_routines: bool,
}

/// Brings the database to this release, or leaves it as it is if a newer one was here. Waits for a
/// migration that is under way (60 seconds at most). The connection is `holdfast_migrator`'s, or of
/// another member of `holdfast_owner`; where V0020 has not been applied yet, its role owns the
/// database and may create roles.
///
/// # Errors
/// [`MigrateError`]; the run may simply be repeated.
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
            // Another run may have written it down meanwhile.
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
            // The newer one's rights stay: its functions may be running.
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

/// A transaction that no other migration's can run beside.
async fn begin(client: &mut Client) -> Result<Transaction<'_>, MigrateError> {
    let transaction = client.transaction().await.map_err(failed("begin"))?;
    // `set local` and a lock that ends with the transaction: nothing is left in the session.
    let lock = format!(
        "set local lock_timeout = '{MIGRATION_LOCK_TIMEOUT}'; select pg_advisory_xact_lock({LOCK}); \
         set local lock_timeout = '{TABLE_LOCK_TIMEOUT}'"
    );
    execute(&transaction, LOCK_STEP, &lock).await?;
    execute(&transaction, "becoming the schema's owner", AS_OWNER).await?;
    Ok(transaction)
}

const LOCK_STEP: &str = "waiting for the lock on migrations";

/// Whoever migrates acts as the schema's owner, so that what is new belongs to it too. Before V0020
/// has made that role, the schema belongs to whoever migrates.
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

fn failed(step: &str) -> impl FnOnce(tokio_postgres::Error) -> MigrateError + use<> {
    let step = step.to_owned();
    move |source| MigrateError::Database { step, source }
}

/// Whether somebody had a lock that the step needs: the next try may find it free. The lock on
/// migrations has been waited for long enough.
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
