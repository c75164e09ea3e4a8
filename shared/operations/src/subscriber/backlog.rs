//! Reads which announcements their subscribers do not have, in all shops.

use serde::Serialize;

use crate::db::{Database, Failure};

/// Announcements that their subscribers do not have.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Backlog {
    /// For how long the one that waits longest has waited; 0 where none does.
    pub waiting_s: f64,
    /// How many were given up within a day; 1,000 of each subscriber are counted at most.
    pub given_up: i32,
}

/// What subscribers do not have at this moment, by the database's clock. Locks nothing.
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
