//! The way to the database: a small pool, verified TLS, and bounded retries around every call.
//!
//! A call is one statement, one transaction and one round trip (an unnamed, typed statement, so
//! that the same code runs directly, behind PgBouncer in transaction mode and behind RDS Proxy).
//! Running it again after a lost connection is safe, because ids are the client's: the second run
//! finds the effect of the first, or does it.

use std::error::Error as _;
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime,
};
use postgres_native_tls::MakeTlsConnector;
use rand::Rng as _;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{NoTls, Row};

use crate::config::{ConfigError, DatabaseConfig, Tls};
use crate::telemetry::{self, Metric};

/// How long one operation may take with all its tries, unless [`Database::with_patience`] says
/// otherwise. Too low and a failover of a few seconds becomes errors; too high and the function's
/// own timeout (10 seconds for checkout) comes first, and the caller learns nothing.
const PATIENCE_DEFAULT: Duration = Duration::from_secs(8);
/// What is left of it at the end of somebody's time: a call that is made has a chance.
const PATIENCE_MIN: Duration = Duration::from_secs(1);
/// Tries of one operation at most.
const TRIES_MAX: u32 = 12;
/// The longest pause between two tries; it starts at a hundredth of it and doubles, with full
/// jitter.
const PAUSE_MAX: Duration = Duration::from_millis(1000);

/// A parameter of a statement and its type.
pub type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// Could not decide: the caller may try again. Its text is safe for a client; [`causes`] are for
/// the log.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The database can't be reached, is restarting, or was too busy: the same request may succeed
    /// in a moment.
    #[error("the database is not available")]
    Unavailable(#[source] Cause),
    /// The statement failed in a way that a repetition will not mend.
    #[error("the database refused a statement")]
    Internal(#[source] Cause),
}

/// What went wrong underneath.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

impl Failure {
    /// The constraint or trigger that refused the statement, by its name. The database's rules hold
    /// whoever writes; where a caller can break one, its name is what the refusal is told by.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        let Self::Internal(cause) = self else {
            return None;
        };
        let error = cause.downcast_ref::<tokio_postgres::Error>()?;
        error.as_db_error()?.constraint()
    }

    /// A routine answered with a word that this version does not know: code and schema are of
    /// different releases.
    #[must_use]
    pub fn unknown_outcome(routine: &str, outcome: &str) -> Self {
        Self::Internal(
            format!("{routine} answered {outcome:?}, which this version does not know").into(),
        )
    }
}

/// An error and the chain of its causes: for the log, never for a client.
#[must_use]
pub fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = told(error);
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&told(error));
        cause = error.source();
    }
    text
}

/// One of them. What the database adds in DETAIL is the row that broke a rule, with the customer
/// and the address in it; its code and the constraint's name say enough.
fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let Some(refusal) = error.downcast_ref::<DbError>() else {
        return error.to_string();
    };
    let code = refusal.code().code();
    let text = format!("{}: {} ({code}", refusal.severity(), refusal.message());
    match (refusal.constraint(), refusal.table()) {
        (Some(constraint), Some(table)) => format!("{text}, {constraint} of {table})"),
        _ => text + ")",
    }
}

/// The pool of one process. Connections are opened when they are first needed.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    patience: Duration,
}

impl Database {
    /// Prepares the pool; connects to nothing yet.
    ///
    /// # Errors
    /// When the file of certificate authorities can't be read or holds no certificate.
    pub fn new(config: &DatabaseConfig) -> Result<Self, ConfigError> {
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = match &config.tls {
            Tls::Off => Manager::from_config(config.postgres.clone(), NoTls, recycling),
            Tls::Verify { ca_file } => {
                Manager::from_config(config.postgres.clone(), connector(ca_file)?, recycling)
            }
        };
        let pool = Pool::builder(manager)
            .max_size(config.pool_size)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| ConfigError::Invalid {
                variable: "DATABASE_POOL_SIZE",
                reason: error.to_string(),
            })?;
        Ok(Self {
            pool,
            patience: PATIENCE_DEFAULT,
        })
    }

    /// [`Self::new`] from the environment.
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn from_env(application_name: &str) -> Result<Self, ConfigError> {
        Self::new(&DatabaseConfig::from_env(application_name)?)
    }

    /// The same pool with another time for each operation: a sweep has more of it than a shopper.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The same pool, patient no longer than until `deadline`: for work that must end by then.
    #[must_use]
    pub fn until(&self, deadline: std::time::Instant) -> Self {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        let patience = self.patience.min(left.max(PATIENCE_MIN));
        self.clone().with_patience(patience)
    }

    /// Runs one statement and returns its rows, with bounded and jittered retries of what a
    /// repetition can mend: serialization failures, deadlocks, lost connections, a server that is
    /// starting or full.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] when the tries or the time ran out; [`Failure::Internal`] for
    /// everything else.
    pub async fn call(&self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        let deadline = Instant::now() + self.patience;
        let mut pause = PAUSE_MAX / 100;
        for tries in 1.. {
            let failure = match self.call_once(statement, params, deadline).await {
                Ok(rows) => return Ok(rows),
                Err(failure) => failure,
            };
            let next = rand::rng().random_range(Duration::ZERO..=pause);
            let worth_it = matches!(failure, Failure::Unavailable(_))
                && tries < TRIES_MAX
                && Instant::now() + next < deadline;
            if !worth_it {
                // A rule that refused a statement is an answer, which the caller tells.
                telemetry::count(
                    Metric::DatabaseFailures,
                    usize::from(failure.constraint().is_none()),
                );
                return Err(failure);
            }
            telemetry::count(Metric::DatabaseRetries, 1);
            tracing::debug!(tries, cause = causes(&failure), "trying again");
            tokio::time::sleep(next).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        unreachable!("the loop ends by returning")
    }

    /// As [`Self::call`], for a statement that answers exactly one row.
    ///
    /// # Errors
    /// As [`Self::call`]; no row, or more than one, is [`Failure::Internal`].
    pub async fn call_one(&self, statement: &str, params: &[Param<'_>]) -> Result<Row, Failure> {
        let mut rows = self.call(statement, params).await?;
        match (rows.pop(), rows.is_empty()) {
            (Some(row), true) => Ok(row),
            _ => Err(Failure::Internal(
                format!("{statement}: not exactly one row").into(),
            )),
        }
    }

    async fn call_once(
        &self,
        statement: &str,
        params: &[Param<'_>],
        deadline: Instant,
    ) -> Result<Vec<Row>, Failure> {
        let out_of_time = |elapsed: Elapsed| Failure::Unavailable(elapsed.into());
        let client = timeout_at(deadline, self.pool.get())
            .await
            .map_err(out_of_time)
            .and_then(|client| client.map_err(pool_failure))
            .inspect_err(|_| telemetry::count(Metric::ConnectionFailures, 1))?;
        let asked = Instant::now();
        let answer = timeout_at(deadline, client.query_typed(statement, params)).await;
        let took_ms = asked.elapsed().as_secs_f64() * 1000.0;
        telemetry::observe(Metric::DatabaseCall, took_ms);
        match answer {
            Ok(answer) => answer.map_err(query_failure),
            Err(elapsed) => {
                // Nothing is known of this connection any more: it must not serve another request.
                drop(Object::take(client));
                Err(out_of_time(elapsed))
            }
        }
    }
}

/// Opens one connection outside any pool, for work that needs a session of its own. It closes when
/// the client is dropped.
///
/// # Errors
/// [`Failure`] when the server can't be reached or refuses.
pub async fn connect(config: &DatabaseConfig) -> Result<tokio_postgres::Client, Failure> {
    match &config.tls {
        Tls::Off => {
            let (client, connection) = config
                .postgres
                .connect(NoTls)
                .await
                .map_err(query_failure)?;
            tokio::spawn(connection);
            Ok(client)
        }
        Tls::Verify { ca_file } => {
            let tls = connector(ca_file).map_err(|error| Failure::Internal(error.into()))?;
            let (client, connection) = config.postgres.connect(tls).await.map_err(query_failure)?;
            tokio::spawn(connection);
            Ok(client)
        }
    }
}

fn connector(ca_file: &std::path::Path) -> Result<MakeTlsConnector, ConfigError> {
    let invalid = |reason: String| ConfigError::Invalid {
        variable: "DATABASE_CA_FILE",
        reason,
    };
    let named = |error: &dyn std::fmt::Display| invalid(format!("{}: {error}", ca_file.display()));
    let pem = std::fs::read(ca_file).map_err(|error| named(&error))?;
    let authorities =
        native_tls::Certificate::stack_from_pem(&pem).map_err(|error| named(&error))?;
    if authorities.is_empty() {
        return Err(named(&"holds no certificate in PEM form"));
    }
    // The system's own authorities are left out: they are not needed, and loading them is most of a
    // cold start.
    let mut builder = native_tls::TlsConnector::builder();
    builder
        .disable_built_in_roots(true)
        .min_protocol_version(Some(native_tls::Protocol::Tlsv12));
    for authority in authorities {
        builder.add_root_certificate(authority);
    }
    builder
        .build()
        .map(MakeTlsConnector::new)
        .map_err(|error| named(&error))
}

fn pool_failure(error: PoolError) -> Failure {
    match error {
        PoolError::Backend(error) => query_failure(error),
        other => Failure::Unavailable(other.into()),
    }
}

fn query_failure(error: tokio_postgres::Error) -> Failure {
    let over_a_lock = [
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ];
    if error.code().is_some_and(|code| over_a_lock.contains(code)) {
        telemetry::count(Metric::LockTimeouts, 1);
    }
    let passes = match error.code() {
        // Not the server's answer: the connection could not be made, or broke. A certificate that
        // is refused stays refused, and says so.
        None => match tls_refusal(&error) {
            Some(refusal) => return Failure::Internal(refusal.into()),
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

/// Whether a repetition can mend what the server said.
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
                     an authority in DATABASE_CA_FILE, for the host name in DATABASE_URL"
                )
            });
        }
        // What tokio-postgres says of it is a text and no type.
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
