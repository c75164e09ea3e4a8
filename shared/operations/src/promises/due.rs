//! What a sweep's check has to do, for all shops at once.

use crate::db::{Database, Failure};

/// What the check has to do in one shop.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    pub shop: String,
    /// Seconds since everything that had changed was checked. 0 if nothing has changed since.
    pub changed_s: f64,
    /// Seconds since the last complete lap through the history began. Without a lap: since the shop
    /// was made.
    pub history_s: f64,
    /// Whether the lap through the changes must go on, or would read something.
    pub changed: bool,
    /// Whether the lap through the history must go on, or the last one began an hour ago.
    pub history: bool,
    /// Whether a subject is known to break a promise.
    pub broken: bool,
}

/// What the check has to do in each shop; in a cluster, in those on the nodes that answer. Locks
/// nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn due(db: &Database) -> Result<Vec<Due>, Failure> {
    let rows = db
        .call_each("select * from holdfast.promises_due($1)")
        .await?;
    let due = rows.iter().map(|row| Due {
        shop: row.get("shop"),
        changed_s: row.get("changed_s"),
        history_s: row.get("history_s"),
        changed: row.get("changed"),
        history: row.get("history"),
        broken: row.get("broken"),
    });
    Ok(due.collect())
}
