//! Purges old messages of one shop.

use crate::db::{Database, Failure, ShopCode};

/// Messages that one call purges at most, and as many deliveries.
pub const PURGE_MAX: i32 = 2_000;

/// Purges messages of a shop that were sent more than `keep_days` ago. Returns how many.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn purge(db: &Database, shop: &str, keep_days: i32) -> Result<i32, Failure> {
    let row = db
        .call_one(
            "select holdfast.outbox_purge($1, make_interval(days => $2), $3)",
            &[&ShopCode(shop), &keep_days, &PURGE_MAX],
        )
        .await?;
    Ok(row.get(0))
}
