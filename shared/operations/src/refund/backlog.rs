//! Reads the unfinished refunds of all shops.

use serde::Serialize;

use crate::db::{Database, Failure};

/// Unfinished refunds. An age is 0 without one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Backlog {
    /// Failed refunds, which wait for a person.
    pub failed: i32,
    /// How long the oldest refund that no gateway accepted has been owed.
    pub owed_s: f64,
    /// The age of the oldest refund that a gateway accepted and did not finish.
    pub pending_s: f64,
}

/// Reads the unfinished refunds, by the database's clock. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn backlog(db: &Database) -> Result<Backlog, Failure> {
    let row = db
        .call_one("select * from holdfast.refund_backlog()", &[])
        .await?;
    Ok(Backlog {
        failed: row.get("o_failed"),
        owed_s: row.get("o_owed_s"),
        pending_s: row.get("o_pending_s"),
    })
}
