//! Why a migration did not happen.

/// Nothing of the failed step is left behind.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The connection, the lock or a statement failed.
    #[error("{step} failed")]
    Database {
        /// A file's name, or what else the step was.
        step: String,
        /// What the server said.
        source: tokio_postgres::Error,
    },
    /// The file was changed after it was applied.
    #[error("{0} is already applied, but the file has changed since")]
    Changed(String),
    /// The database has a file that this release has not.
    #[error("{0} is applied, and this release has no such file")]
    Unknown(String),
    /// The database has later files, but not this one.
    #[error("{0} is not applied, but later files are")]
    Skipped(String),
    /// Another run builds the same index for too long.
    #[error("{0}: another migration builds it")]
    Building(String),
    /// A pooler gives each transaction another session.
    #[error("{0} runs outside a transaction and needs a connection without a transaction pooler")]
    Pooled(String),
    /// The database no longer serves the functions of this release.
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
