//! Why the stack does not start: each error is one line that says what to do.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "no PostgreSQL server (15 or newer) found: run `make setup`, which fetches one into \
         .tools/, or set HOLDFAST_PG_BIN to the folder that holds initdb and postgres"
    )]
    PostgresMissing,

    #[error("HOLDFAST_PG_BIN={} holds no initdb and postgres of version 15 or newer", .0.display())]
    PostgresUnusable(PathBuf),

    #[error("PostgreSQL: {step} failed: {detail}")]
    Postgres { step: &'static str, detail: String },

    #[error("{function} did not start: {detail} (its log: {})", log.display())]
    FunctionStart {
        function: String,
        detail: String,
        log: PathBuf,
    },

    #[error(
        "port {port} is taken: end the program that uses it, or choose another port with {option}"
    )]
    PortTaken { port: u16, option: &'static str },

    #[error("{what} is not installed: run `make setup`")]
    PythonMissing { what: &'static str },

    #[error("{what} did not start: see {}", log.display())]
    PythonStart { what: &'static str, log: PathBuf },

    #[error("SQS at {endpoint} refused a request: {detail}")]
    Sqs { endpoint: String, detail: String },

    #[error("{} is missing: build the functions with `make build`", .0.display())]
    BinaryMissing(PathBuf),

    #[error("the migrations failed: {detail} (log: {})", log.display())]
    Migrate { detail: String, log: PathBuf },

    #[error("cannot {action}: {source}")]
    Io {
        action: String,
        source: std::io::Error,
    },
}

impl Error {
    /// For `map_err`: names the action that the operating system refused.
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }

    /// For `map_err`, of a port that the user chooses by an option.
    pub(crate) fn port(port: u16, option: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |error| match error.kind() {
            std::io::ErrorKind::AddrInUse => Self::PortTaken { port, option },
            _ => Self::io(format!("listen on 127.0.0.1:{port}"))(error),
        }
    }

    pub(crate) fn postgres(step: &'static str, detail: impl Into<String>) -> Self {
        Self::Postgres {
            step,
            detail: detail.into(),
        }
    }
}
