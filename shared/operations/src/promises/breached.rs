//! The broken promises that the sweeps have found.

use serde::Serialize;
use utoipa::ToSchema;

use super::Violation;
use crate::db::{Database, Failure, from_json};
use crate::ids::Shop;
use crate::utc::Utc;

/// Subjects whose rows are shown at most.
const SUBJECTS_MAX: i32 = 50;

/// The promises as the sweeps know them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PromisesBreached)]
pub struct Breached {
    /// Subjects that broke a promise when they were last checked. At most 1,000 are counted.
    #[schema(minimum = 0, maximum = 1000)]
    pub breaches: i32,
    /// The rows that break a promise now, of 50 subjects at most.
    pub violations: Vec<Violation>,
    /// When everything that had changed was last checked. Null before the first check ended.
    #[schema(required = true)]
    pub checked_at: Option<Utc>,
}

/// Reads what the sweeps have found, and checks 50 of these subjects again. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn breached(db: &Database, shop: &Shop) -> Result<Breached, Failure> {
    let row = db
        .call_one(
            "select * from holdfast.promises_breached($1, $2)",
            &[&shop, &SUBJECTS_MAX],
        )
        .await?;
    let checked_at: Option<time::OffsetDateTime> = row.get("o_checked_at");
    Ok(Breached {
        breaches: row.get("o_breaches"),
        violations: from_json(row.get("o_violations"))?,
        checked_at: checked_at.map(Utc::from),
    })
}
