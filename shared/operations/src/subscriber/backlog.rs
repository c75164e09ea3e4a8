//! Reads the undelivered announcements of all shops.

use serde::Serialize;

use crate::db::{Database, Failure};

/// Undelivered announcements.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Backlog {
    /// How long the oldest one has waited. 0 without one.
    pub waiting_s: f64,
    /// How many were given up within a day. At most 1,000 of each subscriber are counted.
    pub given_up: i32,
}

/// Reads the undelivered announcements, by the database's clock. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn backlog(db: &Database) -> Result<Backlog, Failure> {
    let row = db
        .call_one("select * from holdfast.subscriber_backlog()", &[])
        .await?;
    Ok(Backlog {
        waiting_s: row.get("o_waiting_s"),
        given_up: row.get("o_given_up"),
    })
}
