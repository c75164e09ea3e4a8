//! Reads the unfinished refunds of all shops.

use serde::Serialize;

use crate::db::{Database, Failure};

/// Unfinished refunds. An age is 0 without one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Backlog {
    /// Failed refunds, which wait for a person.
    pub failed: i32,
    /// How long the oldest refund that no gateway accepted has been owed.
    pub owed_s: f64,
    /// The age of the oldest refund that a gateway accepted and did not finish.
    pub pending_s: f64,
}

/// Reads the unfinished refunds, by the database's clock; in a cluster, of the nodes that answer.
/// Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn backlog(db: &Database) -> Result<Backlog, Failure> {
    let rows = db
        .call_each("select * from holdfast.refund_backlog($1)")
        .await?;
    Ok(rows.iter().fold(Backlog::default(), |sum, row| Backlog {
        failed: sum.failed.saturating_add(row.get("o_failed")),
        owed_s: sum.owed_s.max(row.get("o_owed_s")),
        pending_s: sum.pending_s.max(row.get("o_pending_s")),
    }))
}
