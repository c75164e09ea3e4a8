//! Why a cluster could not be used.

use holdfast_migrate::MigrateError;

/// The message has a line for each thing to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing was changed.
    #[error("the cluster is not ready:\n- {}", .0.join("\n- "))]
    NotReady(Vec<String>),
    /// Some nodes did not answer, or could not.
    #[error("{step} failed on these nodes; run it again when they answer:\n- {}",
        refused.join("\n- "))]
    Unanswered {
        /// What was asked for.
        step: String,
        /// `host:port: why` of each node.
        refused: Vec<String>,
    },
    /// The tables were distributed just now, and repeating it does the rest.
    #[error(
        "the tables are distributed, but routines, rights and timeouts of the nodes are not \
        complete: run `holdfast distribute` again before anybody sells"
    )]
    HalfDone(#[source] Box<Error>),
    #[error("{step} failed")]
    Database {
        step: String,
        /// The server's error.
        source: tokio_postgres::Error,
    },
    #[error("the routines could not be written")]
    Migrate(#[from] MigrateError),
    /// The tables are distributed, and nobody should sell before this is mended.
    #[error("the nodes are not the same; run it again:\n- {}", .0.join("\n- "))]
    Nodes(Vec<String>),
    /// Nothing was moved.
    #[error("these calls began before, and do not end; look at them, and run it again:\n- {}",
        .0.join("\n- "))]
    CallsRun(Vec<String>),
    /// No operation frees its locks early until the next run.
    #[error("early lock release is still paused{}: run `holdfast rebalance` again",
        after.as_ref().map_or_else(String::new, |first| format!(", after this error: {first}")))]
    StillPaused {
        /// Why it could not be turned on again.
        source: tokio_postgres::Error,
        /// What had failed before.
        after: Option<Box<Error>>,
    },
    #[error("a node's answer is not as expected")]
    Answer(#[from] serde_json::Error),
}

/// Says in which step the database failed.
pub(crate) fn failed(step: &str) -> impl FnOnce(tokio_postgres::Error) -> Error + use<> {
    let step = step.to_owned();
    move |source| Error::Database { step, source }
}
