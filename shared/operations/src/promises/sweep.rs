//! One step of a sweep's check.

use super::Violation;
use crate::db::{Database, Failure, ShopCode, from_json};

/// A lap looks at its rows once, in bounded steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lap {
    /// What was written since the last lap, and what is open.
    Changed,
    /// Every row.
    History,
}

impl Lap {
    fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::History => "history",
        }
    }
}

/// The result of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    /// The promises that are newly found broken. [`super::recheck()`] returns the known ones.
    pub violations: Vec<Violation>,
    /// Whether the lap goes on. The step after the last one begins another lap.
    pub more: bool,
}

/// Goes on with a lap: checks the promises about its next rows, at most `limit` of each source. Of
/// two calls at once, one does nothing.
///
/// Locks: the lap (SKIP LOCKED), breaches by kind and key, customers' counts of coupons (SKIP
/// LOCKED), sums of coupons by code.
///
/// # Errors
/// [`Failure`] when the database could not answer. The lap did not move.
pub async fn sweep(db: &Database, shop: &str, lap: Lap, limit: i32) -> Result<Swept, Failure> {
    let row = db
        .call_one(
            "select * from holdfast.promises_sweep($1, $2, $3)",
            &[&ShopCode(shop), &lap.name(), &limit],
        )
        .await?;
    Ok(Swept {
        violations: from_json(row.get("o_violations"))?,
        more: row.get("o_more"),
    })
}
