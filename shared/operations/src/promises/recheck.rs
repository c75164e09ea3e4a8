//! What is known to break a promise, looked at again.

use super::Violation;
use crate::db::{Database, Failure, ShopCode, from_json};

/// Checks again what is known to break a promise, and forgets what is right by now. So an alarm
/// lasts until the rows are right. Returns the promises that are still broken.
///
/// Locks: the known breaches of the shop, by kind and key.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn recheck(db: &Database, shop: &str) -> Result<Vec<Violation>, Failure> {
    let row = db
        .call_one(
            "select * from holdfast.promises_recheck($1)",
            &[&ShopCode(shop)],
        )
        .await?;
    from_json(row.get("o_violations"))
}
