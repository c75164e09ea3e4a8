//! Reads which refunds are not through, in all shops.

use serde::Serialize;

use crate::db::{Database, Failure};

/// Refunds that are not through. An age is 0 where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Backlog {
    /// Those that failed and wait for a person.
    pub failed: i32,
    /// For how long the oldest that no gateway has taken on has been owed.
    pub owed_s: f64,
    /// The age of the oldest that a gateway has taken on and not ended.
    pub pending_s: f64,
}

/// What of all refunds is not through at this moment, by the database's clock. Locks nothing.
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
