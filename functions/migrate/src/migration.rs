//! Brings the schema and its routines to this release, from an empty database or from any earlier
//! release, while callers go on.
//!
//! Versioned files run once, forward only, each in a transaction. Then every routine is written
//! again, and each role gets its rights (`migrations/rights/rights.sql`), all in one transaction: a
//! call meets either the old routines or the new ones. `create or replace` keeps a routine's
//! identity, so a call that is under way goes on. Then another transaction puts the roles' settings
//! back (`migrations/rights/roles.sql`): a role can keep its own settings locked, and must not keep
//! a release away with that.
//!
//! Every transaction takes the same lock, and then looks for the next step. So two runs at once do
//! each step once, even through a pooler that gives each transaction another session.

mod error;
mod history;
mod holders;
mod online;
mod release;

use std::time::Duration;

use rand::Rng as _;
use tokio::time::Instant;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Transaction};

use crate::early_release::{self, EarlyRelease, EarlyReleaseChoice};
pub use error::MigrateError;
use error::failed;
use history::{LOCK_STEP, Next};
pub use release::{File, Release};

/// How long to wait for another migration's step.
const MIGRATION_LOCK_TIMEOUT: Duration = Duration::from_secs(60);
/// How long to wait for another run that builds an index, and the pause between two looks.
const BUILD_TIMEOUT: Duration = Duration::from_secs(120);
const BUILD_PAUSE: Duration = Duration::from_millis(200);
/// How long a statement of a migration waits for a table's lock. Every later call on that table
/// waits behind it. If too high, shoppers notice. If too low, a migration beside slow work needs
/// more tries.
const TABLE_LOCK_TIMEOUT: &str = "1s";
/// What a migration of distributed tables needs. Citus makes a trigger of one only on the first
/// word: ours read and write rows of the same shop. By the second, a routine may follow a table's
/// change in one transaction. Elsewhere nobody reads them.
const CITUS: &str = "set local citus.enable_unsafe_triggers = on;
    set local citus.multi_shard_modify_mode = 'sequential'";
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
    /// What is not as it should be with the database's roles, and could not be mended by the user
    /// that migrates (`role_check`).
    pub roles: Vec<String>,
    /// How the operations flush; none if the routines were left to a newer release.
    pub early_release: Option<EarlyReleaseChoice>,
}

/// Optional work of a run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Write this release's routines over those of a newer one, because the newer ones are wrong.
    /// Tables stay as they are.
    pub put_back_routines: bool,
    /// How long to wait for another migration's step: 60 seconds by default.
    pub migration_wait: Duration,
    /// How the operations shall flush: as is chosen already, by default.
    pub early_release: Option<EarlyRelease>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            put_back_routines: false,
            migration_wait: MIGRATION_LOCK_TIMEOUT,
            early_release: None,
        }
    }
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
        roles: Vec::new(),
        early_release: None,
    };
    let mut busy = 0;
    let mut waits_since = None;
    loop {
        match step(client, release, options, &mut report).await {
            Ok(Done::Step) => waits_since = None,
            Ok(Done::All) => return Ok(report),
            Ok(Done::Nothing(file)) => {
                if waits_since.get_or_insert_with(Instant::now).elapsed() >= BUILD_TIMEOUT {
                    return Err(MigrateError::Building(file));
                }
                tokio::time::sleep(BUILD_PAUSE).await;
            }
            Err(error) => {
                let error = with_holders(client, error).await;
                if !is_busy(&error) || busy == BUSY_MAX {
                    return Err(error);
                }
                busy += 1;
                let pause = rand::rng().random_range(PAUSE_MAX / 10..=PAUSE_MAX);
                let causes = operations::cause::causes(&error);
                tracing::warn!(busy, causes, "another session has the lock; trying again");
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// The result of one step.
enum Done {
    /// There may be another step.
    Step,
    /// There is no further step.
    All,
    /// Another run builds this file.
    Nothing(String),
}

/// One step in one transaction.
async fn step(
    client: &mut Client,
    release: &Release,
    options: Options,
    report: &mut MigrateReport,
) -> Result<Done, MigrateError> {
    let transaction = begin(client, options).await?;
    match history::next(&transaction, release).await? {
        Next::Version(file) if file.is_online() => {
            let claimed = online::claim(&transaction, file).await?;
            commit(transaction).await?;
            let Some(pid) = claimed else {
                return Ok(Done::Nothing(file.name.clone()));
            };
            let built = online::build(client, file, pid).await;
            let transaction = begin(client, options).await;
            // The first failure says why: the connection may be gone.
            let (transaction, built) = match (transaction, built) {
                (Ok(transaction), built) => (transaction, built),
                (Err(error), built) => return Err(built.err().unwrap_or(error)),
            };
            online::give_up(&transaction, pid).await?;
            if built.is_ok() {
                history::applied(&transaction, file).await?;
            }
            commit(transaction).await?;
            built?;
            report.applied.push(file.name.clone());
            return Ok(Done::Step);
        }
        Next::Version(file) => {
            execute(&transaction, &file.name, &file.text).await?;
            history::applied(&transaction, file).await?;
            commit(transaction).await?;
            report.applied.push(file.name.clone());
            return Ok(Done::Step);
        }
        Next::LeaveTo(newer) => {
            report.left_to = Some(newer);
            if !options.put_back_routines {
                return Ok(Done::All);
            }
            // The newer release's rights stay: its functions may be running.
            report.early_release = Some(write_routines(&transaction, release, options).await?);
        }
        Next::Routines => {
            history::released(&transaction, release).await?;
            report.early_release = Some(write_routines(&transaction, release, options).await?);
            execute(&transaction, &release.rights.name, &release.rights.text).await?;
            commit(transaction).await?;
            report.routines = release.routines.len();
            report.roles = put_back_roles(client, release, options).await?;
            return Ok(Done::All);
        }
    }
    commit(transaction).await?;
    report.routines = release.routines.len();
    Ok(Done::All)
}

/// A transaction that excludes those of other migrations.
async fn begin(client: &mut Client, options: Options) -> Result<Transaction<'_>, MigrateError> {
    let transaction = client.transaction().await.map_err(failed("begin"))?;
    // Settings and lock end with the transaction: a pooler's session keeps nothing of them.
    let wait = format!(
        "set local lock_timeout = '{}ms'",
        options.migration_wait.as_millis()
    );
    execute(&transaction, "setting a timeout", &wait).await?;
    execute(&transaction, "becoming the schema's owner", AS_OWNER).await?;
    history::lock(&transaction).await?;
    // The migration that had the lock may have made the owner.
    execute(&transaction, "becoming the schema's owner", AS_OWNER).await?;
    let wait = format!("set local lock_timeout = '{TABLE_LOCK_TIMEOUT}'; {CITUS}");
    execute(&transaction, "setting a timeout", &wait).await?;
    Ok(transaction)
}

/// Puts the roles' settings back, as far as the user that migrates may and gets the locks. Returns
/// what is left.
async fn put_back_roles(
    client: &mut Client,
    release: &Release,
    options: Options,
) -> Result<Vec<String>, MigrateError> {
    let transaction = begin(client, options).await?;
    execute(&transaction, "becoming oneself", "set local role none").await?;
    execute(&transaction, ROLES, &release.roles.text).await?;
    let check = "select o_role || ': ' || o_what from holdfast.role_check()";
    let rows = transaction.query_typed(check, &[]).await;
    let rows = rows.map_err(failed("checking the roles"))?;
    commit(transaction).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The file of the roles' settings.
const ROLES: &str = "rights/roles";

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

/// One of them is the choice for early lock release, which is written anew.
async fn write_routines(
    transaction: &Transaction<'_>,
    release: &Release,
    options: Options,
) -> Result<EarlyReleaseChoice, MigrateError> {
    for file in &release.routines {
        execute(transaction, &file.name, &file.text).await?;
    }
    let decided = early_release::decide(transaction, options.early_release).await;
    decided.map_err(failed("choosing how operations flush"))
}

async fn execute(transaction: &Transaction<'_>, step: &str, sql: &str) -> Result<(), MigrateError> {
    transaction.batch_execute(sql).await.map_err(failed(step))
}

async fn commit(transaction: Transaction<'_>) -> Result<(), MigrateError> {
    transaction.commit().await.map_err(failed("commit"))
}

/// Names the sessions that had the lock, if the step failed because of one.
async fn with_holders(client: &Client, error: MigrateError) -> MigrateError {
    match error {
        MigrateError::Database { step, source }
            if source.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) =>
        {
            let holders = holders::name(client, step == LOCK_STEP).await;
            MigrateError::Busy {
                step,
                holders,
                source,
            }
        }
        error => error,
    }
}

/// Whether the step did not get a lock that the next try may get. The wait for the lock on
/// migrations was long enough. Also if another first migration has just made the schema, or another
/// session has just written the same row of the catalogue ("tuple concurrently updated").
fn is_busy(error: &MigrateError) -> bool {
    match error {
        MigrateError::Busy { step, .. } => step != LOCK_STEP,
        MigrateError::Database { step, source } => {
            let code = source.code();
            code == Some(&SqlState::T_R_DEADLOCK_DETECTED)
                || step == LOCK_STEP && code == Some(&SqlState::UNIQUE_VIOLATION)
                || code == Some(&SqlState::INTERNAL_ERROR)
        }
        _ => false,
    }
}
