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
/// unknown then: the time was up, or the caller went away. It must not serve another request, which
/// would wait for the statement.
pub(crate) struct Connected {
    /// None: it does not go back.
    connection: Option<Object<Connections>>,
    /// A statement is under way.
    asked: bool,
}

impl Connected {
    pub(super) fn new(connection: Object<Connections>) -> Self {
        Self {
            connection: Some(connection),
            asked: false,
        }
    }

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
        let Some(connection) = &mut self.connection else {
            return Err(Failure::Unavailable("the connection is gone".into()));
        };
        let started = Instant::now();
        self.asked = true;
        let answer = timeout_at(deadline, connection.client.query_typed(statement, &typed)).await;
        let took_ms = started.elapsed().as_secs_f64() * 1000.0;
        telemetry::observe(Metric::DatabaseCall, took_ms);
        match answer {
            Ok(answer) => {
                self.asked = answer.as_ref().is_err_and(is_last);
                connection.has_answered();
                answer.map_err(query_failure)
            }
            Err(elapsed) => Err(Failure::Unavailable(elapsed.into())),
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

impl Drop for Connected {
    fn drop(&mut self) {
        if self.asked {
            drop(self.connection.take().map(Object::take));
        }
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
