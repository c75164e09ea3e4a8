//! The schema and its routines: applied at deploy and locally, from empty and from every earlier
//! version.
//!
//! Versioned files run once, forward only, each in a transaction; then every routine is written
//! again, all of them in one transaction, so that callers meet either the old ones or the new ones.

use include_dir::{Dir, include_dir};
use refinery::{Migration, Runner};
use tokio_postgres::Client;

static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../migrations");

/// The advisory lock that keeps two migrations apart; any number, as long as it is always this one.
const LOCK: i64 = 0x486f_6c64_6661_7374;
/// How long to wait for another migration that is under way.
const LOCK_TIMEOUT: &str = "60s";

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MigrateReport {
    /// The versioned files that were applied, oldest first; none when the schema was up to date.
    pub applied: Vec<String>,
    /// How many routine files were written again.
    pub routines: usize,
}

/// Why a migration did not happen. Nothing of the failed file is left behind.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database can't be reached.
    #[error(transparent)]
    Connect(#[from] crate::db::Failure),
    /// The connection, the lock or a statement failed.
    #[error("{step} failed")]
    Database {
        /// What was being done: a file's name, or the lock.
        step: String,
        /// What the server said.
        source: tokio_postgres::Error,
    },
    /// A versioned file failed, or an applied one has changed since.
    #[error("the versioned migrations could not be applied")]
    Versions(#[from] refinery::Error),
}

/// Brings the database to this version. Waits for a migration that is under way (60 seconds at
/// most). The connection must be a direct one (no transaction pooler) of a role that owns the
/// database and may create roles.
///
/// # Errors
/// [`MigrateError`]; the run may simply be repeated.
pub async fn run(client: &mut Client) -> Result<MigrateReport, MigrateError> {
    let lock = format!(
        "set lock_timeout = '{LOCK_TIMEOUT}'; \
         select pg_advisory_lock({LOCK}); set lock_timeout = 0; \
         create schema if not exists holdfast"
    );
    execute(client, "waiting for the lock on migrations", &lock).await?;
    let outcome = run_locked(client).await;
    let unlock = format!("select pg_advisory_unlock({LOCK})");
    match execute(client, "releasing the lock on migrations", &unlock).await {
        // What failed first says why: the connection may be gone, and the lock with it.
        Err(error) if outcome.is_err() => {
            tracing::warn!(
                causes = crate::db::causes(&error),
                "after a failed migration"
            );
            outcome
        }
        released => released.and(outcome),
    }
}

async fn run_locked(client: &mut Client) -> Result<MigrateReport, MigrateError> {
    let mut versions = Vec::new();
    for file in MIGRATIONS.files() {
        let name = file
            .path()
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        versions.push(Migration::unapplied(
            name,
            file.contents_utf8().unwrap_or_default(),
        )?);
    }
    let mut runner = Runner::new(&versions);
    runner.set_migration_table_name("holdfast.schema_history");
    let report = runner.run_async(client).await?;
    let applied = report
        .applied_migrations()
        .iter()
        .map(|file| format!("V{:04}__{}", file.version(), file.name()))
        .collect();

    let mut routines: Vec<_> = MIGRATIONS
        .get_dir("routines")
        .into_iter()
        .flat_map(Dir::files)
        .collect();
    routines.sort_by_key(|file| file.path());
    let failed = |step: String| move |source| MigrateError::Database { step, source };
    let transaction = client
        .transaction()
        .await
        .map_err(failed("begin".to_owned()))?;
    for file in &routines {
        transaction
            .batch_execute(file.contents_utf8().unwrap_or_default())
            .await
            .map_err(failed(file.path().display().to_string()))?;
    }
    // PostgreSQL lets everybody execute a new routine. Here each file grants what it means to
    // grant, and nothing else is.
    transaction
        .batch_execute("revoke execute on all routines in schema holdfast from public")
        .await
        .map_err(failed("revoking from public".to_owned()))?;
    transaction
        .commit()
        .await
        .map_err(failed("commit".to_owned()))?;
    Ok(MigrateReport {
        applied,
        routines: routines.len(),
    })
}

async fn execute(client: &Client, step: &str, sql: &str) -> Result<(), MigrateError> {
    client
        .batch_execute(sql)
        .await
        .map_err(|source| MigrateError::Database {
            step: step.to_owned(),
            source,
        })
}
