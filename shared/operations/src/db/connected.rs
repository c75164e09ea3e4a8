//! One connection of the pool, for one statement.

use deadpool::managed::Object;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row};

use super::connections::Connections;
use super::failure::{Failure, query_failure};
use super::only::only;
use super::parameter::Parameter;
use crate::telemetry::{self, Metric};

/// A connection that is out of the pool. It goes back after one statement, unless its state is
/// unknown then.
pub(crate) struct Connected(pub(super) Object<Connections>);

impl Connected {
    /// Runs one statement, once.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) async fn call(
        mut self,
        statement: &str,
        params: &[&dyn Parameter],
        deadline: Instant,
    ) -> Result<Vec<Row>, Failure> {
        let typed = params.iter().map(|&it| (it as _, it.sql_type()));
        let typed: Vec<(&(dyn ToSql + Sync), Type)> = typed.collect();
        let asked = Instant::now();
        let answer = timeout_at(deadline, self.0.client.query_typed(statement, &typed)).await;
        let took_ms = asked.elapsed().as_secs_f64() * 1000.0;
        telemetry::observe(Metric::DatabaseCall, took_ms);
        match answer {
            Ok(Ok(rows)) => {
                self.0.has_answered();
                Ok(rows)
            }
            Ok(Err(error)) => {
                if is_last(&error) {
                    drop(Object::take(self.0));
                } else {
                    self.0.has_answered();
                }
                Err(query_failure(error))
            }
            Err(elapsed) => {
                // The state of this connection is unknown, so it must not serve another request.
                drop(Object::take(self.0));
                Err(Failure::Unavailable(elapsed.into()))
            }
        }
    }

    /// The same for a statement that returns exactly one row.
    ///
    /// # Errors
    /// [`Failure`]; no row, or more than one, is [`Failure::Internal`].
    pub(crate) async fn call_one(
        self,
        statement: &str,
        params: &[&dyn Parameter],
        deadline: Instant,
    ) -> Result<Row, Failure> {
        only(statement, self.call(statement, params, deadline).await?)
    }
}

/// No later statement can succeed on this connection. A server that became a standby keeps its
/// connections and refuses every statement: a new connection reaches the new primary. A connection
/// that the server ends says so before it is closed: whoever took it meanwhile would fail, too.
fn is_last(error: &Error) -> bool {
    [
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
    ]
    .iter()
    .any(|code| error.code() == Some(code))
}
