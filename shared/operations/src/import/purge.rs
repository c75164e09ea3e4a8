//! Purges the rows of one shop's old imports.

use crate::db::{Database, Failure, ShopCode};

/// Chunks that one call purges at most: 10,000 rows.
const PURGE_MAX: i32 = 20;

/// Purges the rows of a shop's imports that are older than `keep_days`. Returns
/// how many chunks and imports: 0 only if there is nothing left.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn purge(db: &Database, shop: &str, keep_days: i32) -> Result<i32, Failure> {
    let row = db
        .call_one(
            "select holdfast.import_purge($1, make_interval(days => $2), $3)",
            &[&ShopCode(shop), &keep_days, &PURGE_MAX],
        )
        .await?;
    Ok(row.get(0))
}
