//! Why a migration failed.

/// Nothing of the failed step is left behind.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("{step} failed")]
    Database {
        /// A file's name, or a description of another step.
        step: String,
        /// The server's error.
        source: tokio_postgres::Error,
    },
    #[error("{step} failed: another session has the lock ({holders})")]
    Busy {
        /// As above.
        step: String,
        /// The sessions that have locks in the schema.
        holders: String,
        /// The server's error.
        source: tokio_postgres::Error,
    },
    #[error("{0} is already applied, but the file has changed since")]
    Changed(String),
    #[error("{0} is applied, and this release has no such file")]
    Unknown(String),
    #[error("{0} is not applied, but later files are")]
    Skipped(String),
    #[error("{0}: another migration builds it")]
    Building(String),
    #[error("{0} runs outside a transaction and needs a connection without a transaction pooler")]
    Pooled(String),
    #[error(
        "the database is of release {there} and serves functions from {callers_from} on; this is \
         {this}"
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

/// Says in which step the database failed.
pub(super) fn failed(step: &str) -> impl FnOnce(tokio_postgres::Error) -> MigrateError + use<> {
    let step = step.to_owned();
    move |source| MigrateError::Database { step, source }
}
