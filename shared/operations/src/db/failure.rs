//! Failures of the database, and which of them a retry can mend.

use std::error::Error as _;

use tokio::time::error::Elapsed;
use tokio_postgres::error::SqlState;

use super::constraint::constraint;
use crate::cause::Cause;
use crate::telemetry::{self, Metric};

/// The database could not answer, so the caller may try again. The text is safe for a client. The
/// [causes](crate::cause::causes) are for the log.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The database can't be reached, is restarting, or was too busy: the same request may succeed
    /// in a moment.
    #[error("the database is not available")]
    Unavailable(#[source] Cause),
    /// A connection is impossible until an operator changes a setting, a certificate or a password.
    /// A retry within one call is useless.
    #[error("the database can't be connected to")]
    Refused(#[source] Cause),
    #[error("the database refused a statement")]
    Internal(#[source] Cause),
}

/// One time for several calls was up before the last of them began.
#[derive(Debug, thiserror::Error)]
#[error("the time was up before all shops were asked for")]
pub(super) struct TimeUp;

impl Failure {
    /// The database cannot be reached: the next call would fail, too.
    #[must_use]
    pub fn is_out_of_reach(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Refused(_))
    }

    /// The server did not answer, or can't work now: it is not this statement or its rows.
    pub(super) fn is_of_server(&self) -> bool {
        let of_a_statement = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::QUERY_CANCELED,
        ];
        match self {
            Self::Refused(_) => true,
            Self::Internal(_) => false,
            // the calls before it were answered
            Self::Unavailable(cause) if cause.is::<TimeUp>() => false,
            Self::Unavailable(cause) => !cause
                .downcast_ref::<tokio_postgres::Error>()
                .and_then(tokio_postgres::Error::code)
                .is_some_and(|code| of_a_statement.contains(code)),
        }
    }

    /// The earlier failure, if this one only says that the time is up. The log must say why it took
    /// so long.
    pub(super) fn or_why(self, before: Option<Self>) -> Self {
        match (self, before) {
            (Self::Unavailable(cause), Some(before)) if cause.is::<Elapsed>() => before,
            (failure, _) => failure,
        }
    }

    /// A number has more digits than its type in the database.
    #[must_use]
    pub fn is_out_of_range(&self) -> bool {
        self.code() == Some(&SqlState::NUMERIC_VALUE_OUT_OF_RANGE)
    }

    fn code(&self) -> Option<&SqlState> {
        let Self::Internal(cause) = self else {
            return None;
        };
        cause.downcast_ref::<tokio_postgres::Error>()?.code()
    }

    /// The name of the constraint or trigger that refused the statement. If a caller can break the
    /// rule, the name tells which refusal to answer.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        let Self::Internal(cause) = self else {
            return None;
        };
        let error = cause.downcast_ref::<tokio_postgres::Error>()?;
        constraint(error.as_db_error()?)
    }

    /// A routine answered an unknown outcome: code and routines are of different releases.
    #[must_use]
    pub fn unknown_outcome(routine: &str, outcome: &str) -> Self {
        Self::Internal(
            format!("{routine} answered {outcome:?}, which this version does not know").into(),
        )
    }
}

/// Classifies the error of a statement or of a connection attempt.
pub(super) fn query_failure(error: tokio_postgres::Error) -> Failure {
    let over_a_lock = [
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ];
    if error.code().is_some_and(|code| over_a_lock.contains(code)) {
        telemetry::count(Metric::LockTimeouts, 1);
    }
    let passes = match error.code() {
        // Not an answer of the server: the connection failed. A refused certificate stays refused,
        // and gets its own message.
        None => match tls_refusal(&error) {
            Some(refusal) => return Failure::Refused(refusal.into()),
            None => error.is_closed() || is_transport(&error),
        },
        Some(code) => passes_by_itself(code),
    };
    if passes {
        Failure::Unavailable(error.into())
    } else {
        Failure::Internal(error.into())
    }
}

/// Whether a retry can mend this error of the server.
fn passes_by_itself(code: &SqlState) -> bool {
    [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::QUERY_CANCELED,
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        SqlState::READ_ONLY_SQL_TRANSACTION,
    ]
    .contains(code)
        // 08…: connection exceptions; 53…: out of some resource; 58…: the server's system
        || ["08", "53", "58"].contains(&&code.code()[..2])
}

fn is_transport(error: &tokio_postgres::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<std::io::Error>() {
            return true;
        }
        cause = error.source();
    }
    // "timeout expired" of connect_timeout carries no source
    error.source().is_none()
}

fn tls_refusal(error: &tokio_postgres::Error) -> Option<String> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(tls) = inner.downcast_ref::<native_tls::Error>() {
            let text = tls.to_string();
            return text.contains("certificate").then(|| {
                format!(
                    "the database server's certificate was refused ({text}): it must be issued by \
                     an authority of DATABASE_CA_FILE (or DATABASE_CA), for the host name in \
                     DATABASE_URL (or the secret, or DATABASE_HOST)"
                )
            });
        }
        // tokio-postgres has only a text for this, and no type.
        if inner.to_string() == "server does not support TLS" {
            return Some(
                "the database server does not support TLS: switch it on there; DATABASE_TLS=off is \
                 for a server on this machine only"
                    .to_owned(),
            );
        }
        cause = inner.source();
    }
    None
}
