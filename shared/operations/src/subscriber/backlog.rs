//! Reads the undelivered announcements of all shops.

use serde::Serialize;

use crate::db::{Database, Failure};

/// Undelivered announcements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Backlog {
    /// How long the oldest one has waited. 0 without one.
    pub waiting_s: f64,
    /// How many were given up within a day. At most 1,000 of each subscriber are counted.
    pub given_up: i32,
}

/// Reads the undelivered announcements, by the database's clock; in a cluster, of the nodes that
/// answer. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn backlog(db: &Database) -> Result<Backlog, Failure> {
    let rows = db
        .call_each("select * from holdfast.subscriber_backlog($1)")
        .await?;
    Ok(rows.iter().fold(Backlog::default(), |sum, row| Backlog {
        waiting_s: sum.waiting_s.max(row.get("o_waiting_s")),
        given_up: sum.given_up.saturating_add(row.get("o_given_up")),
    }))
}
