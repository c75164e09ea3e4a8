//! What is known to break a promise, looked at again.

use super::Violation;
use crate::db::{Database, Failure, from_json};

/// What is broken still, and how far the laps have come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rechecked {
    /// The promises that are still broken.
    pub violations: Vec<Violation>,
    /// Seconds since the last complete lap through the changes began: what was committed before is
    /// checked. Without a lap: since the shop was made.
    pub changed_s: f64,
    /// The same for the lap through the history.
    pub history_s: f64,
}

/// Checks again what is known to break a promise, and forgets what is right by now. So an alarm
/// lasts until the rows are right.
///
/// Locks: the rows that it forgets.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn recheck(db: &Database, shop: &str) -> Result<Rechecked, Failure> {
    let row = db
        .call_one("select * from holdfast.promises_recheck($1)", &[&shop])
        .await?;
    Ok(Rechecked {
        violations: from_json(row.get("o_violations"))?,
        changed_s: row.get("o_changed_s"),
        history_s: row.get("o_history_s"),
    })
}
