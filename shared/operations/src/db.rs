//! Access to the database: a small pool, verified TLS, and bounded retries around every call.
//!
//! A call is one statement, one transaction and one round trip. The statement is unnamed and typed,
//! so the same code also runs behind PgBouncer in transaction mode and behind RDS Proxy. A retry
//! after a lost connection is safe, because the ids are the client's: the second run finds the
//! effect of the first, or has it.

mod authorities;
mod config;
mod connections;
mod failure;
mod json;
mod parameter;

use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Object, Pool, PoolError};
use rand::Rng as _;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};

use crate::cause::causes;
use crate::config::ConfigError;
use crate::telemetry::{self, Metric};
use connections::Connections;

pub use config::{Authorities, DatabaseConfig, Idle, Keeper, Tls};
pub use connections::connect;
pub use failure::Failure;
use failure::query_failure;
pub(crate) use json::from_json;
pub use parameter::Parameter;
pub(crate) use parameter::{SqlType, sent_as};

/// Time for one operation, all tries included, unless [`Database::with_call_timeout`] sets another.
/// If too low, a failover of a few seconds causes errors. If too high, the function's own timeout
/// (10 seconds for checkout) comes first, and the caller gets no answer.
const CALL_TIMEOUT_DEFAULT: Duration = Duration::from_secs(8);
/// The least time for a call near a deadline, so that the call can succeed.
const CALL_TIMEOUT_MIN: Duration = Duration::from_secs(1);
/// Tries of one operation. With their pauses they take longer than a shopper waits. Fewer would be
/// used up by a failover of a few seconds.
const TRIES_MAX: u32 = 24;
/// The longest pause between two tries. The first pause is a hundredth of it. Pauses double, with
/// full jitter.
const PAUSE_MAX: Duration = Duration::from_millis(1000);

/// The pool of one process. Connections are opened when they are first needed.
#[derive(Clone)]
pub struct Database {
    pool: Pool<Connections>,
    call_timeout: Duration,
}

impl Database {
    /// Prepares the pool; connects to nothing yet.
    ///
    /// # Errors
    /// When the file of certificate authorities can't be read or holds no certificate.
    pub fn new(config: &DatabaseConfig) -> Result<Self, ConfigError> {
        let pool = Pool::builder(Connections::new(config)?)
            .max_size(config.pool_size)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| ConfigError::Invalid {
                variable: "DATABASE_POOL_SIZE",
                reason: error.to_string(),
            })?;
        Ok(Self {
            pool,
            call_timeout: CALL_TIMEOUT_DEFAULT,
        })
    }

    /// The same pool with another time for each operation: a sweep may take longer than a shopper's
    /// call.
    #[must_use]
    pub fn with_call_timeout(mut self, call_timeout: Duration) -> Self {
        self.call_timeout = call_timeout;
        self
    }

    /// The same pool, for work that must end by `deadline`.
    #[must_use]
    pub fn until(&self, deadline: std::time::Instant) -> Self {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        let timeout = self.call_timeout.min(left.max(CALL_TIMEOUT_MIN));
        self.clone().with_call_timeout(timeout)
    }

    /// Runs one statement and returns its rows. Retries errors that may pass: serialization
    /// failures, deadlocks, lost connections, a server that is starting or full.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] when the tries or the time ran out; [`Failure::Internal`] for
    /// everything else.
    pub async fn call(
        &self,
        statement: &str,
        params: &[&dyn Parameter],
    ) -> Result<Vec<Row>, Failure> {
        let deadline = Instant::now() + self.call_timeout;
        let mut pause = PAUSE_MAX / 100;
        let mut before = None;
        for tries in 1.. {
            let failure = match self.call_once(statement, params, deadline).await {
                Ok(rows) => return Ok(rows),
                Err(failure) => failure.or_why(before.take()),
            };
            let next = rand::rng().random_range(Duration::ZERO..=pause);
            let worth_it = matches!(failure, Failure::Unavailable(_))
                && tries < TRIES_MAX
                && Instant::now() + next < deadline;
            if !worth_it {
                // A constraint that refused the statement is an answer: the caller handles it.
                telemetry::count(
                    Metric::DatabaseFailures,
                    usize::from(failure.constraint().is_none()),
                );
                return Err(failure);
            }
            telemetry::count(Metric::DatabaseRetries, 1);
            tracing::debug!(tries, cause = causes(&failure), "trying again");
            before = Some(failure);
            tokio::time::sleep(next).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        unreachable!("the loop ends by returning")
    }

    /// The same for a statement that returns exactly one row.
    ///
    /// # Errors
    /// As [`Self::call`]; no row, or more than one, is [`Failure::Internal`].
    pub async fn call_one(
        &self,
        statement: &str,
        params: &[&dyn Parameter],
    ) -> Result<Row, Failure> {
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
        params: &[&dyn Parameter],
        deadline: Instant,
    ) -> Result<Vec<Row>, Failure> {
        let typed = params.iter().map(|&it| (it as _, it.sql_type()));
        let typed: Vec<(&(dyn ToSql + Sync), Type)> = typed.collect();
        let out_of_time = |elapsed: Elapsed| Failure::Unavailable(elapsed.into());
        let mut connection = timeout_at(deadline, self.pool.get())
            .await
            .map_err(out_of_time)
            .and_then(|connection| connection.map_err(pool_failure))
            .inspect_err(|_| telemetry::count(Metric::ConnectionFailures, 1))?;
        let asked = Instant::now();
        let answer = timeout_at(deadline, connection.client.query_typed(statement, &typed)).await;
        let took_ms = asked.elapsed().as_secs_f64() * 1000.0;
        telemetry::observe(Metric::DatabaseCall, took_ms);
        match answer {
            Ok(Ok(rows)) => {
                connection.has_answered();
                Ok(rows)
            }
            Ok(Err(error)) => {
                // A server that became a standby keeps its connections and refuses every statement.
                // A new connection reaches the new primary.
                if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) {
                    drop(Object::take(connection));
                } else {
                    connection.has_answered();
                }
                Err(query_failure(error))
            }
            Err(elapsed) => {
                // The state of this connection is unknown, so it must not serve another request.
                drop(Object::take(connection));
                Err(out_of_time(elapsed))
            }
        }
    }
}

fn pool_failure(error: PoolError<Failure>) -> Failure {
    match error {
        PoolError::Backend(failure) => failure,
        other => Failure::Unavailable(other.into()),
    }
}
