//! The check of all promises. It returns the rows that break one.

use serde::Serialize;
use utoipa::ToSchema;

use crate::db::{Database, Failure};
use crate::ids::Shop;

/// A promise that is broken, and the rows that show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Violation {
    /// The shop whose rows show it.
    #[schema(value_type = Shop)]
    pub shop: String,
    /// The promise, as named in docs/invariants.md.
    #[schema(example = "never_oversold")]
    pub promise: String,
    /// The rows that break it.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}

/// Checks every promise of one shop in one snapshot. Empty: all promises hold. Reads the whole
/// shop. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn check(db: &Database, shop: &str) -> Result<Vec<Violation>, Failure> {
    let rows = db
        .call(
            "select promise, shop, violation from holdfast.promises_check($1)",
            &[&shop],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| Violation {
            promise: row.get(0),
            shop: row.get(1),
            detail: row.get(2),
        })
        .collect())
}
