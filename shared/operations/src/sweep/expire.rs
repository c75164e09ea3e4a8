//! Expires the checkouts of one shop that are due, one batch at a time.

use uuid::Uuid;

use crate::db::{Database, Failure, ShopCode};

/// Checkouts that one transaction expires at most. A larger batch would hold the locks of hot skus
/// longer; a smaller one costs more commits.
pub const BATCH_MAX: i32 = 200;

/// The result of one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// How many checkouts are now expired.
    pub expired: i32,
    /// Checkouts that are due and could not be expired: one of their rows breaks a constraint.
    pub failed: Vec<Uuid>,
}

/// Expires up to [`BATCH_MAX`] due checkouts of a shop, except those in `skip`.
///
/// Locks: due checkouts (SKIP LOCKED), coupons by code, stock levels by sku.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn expire(db: &Database, shop: &str, skip: &[Uuid]) -> Result<Expired, Failure> {
    let row = db
        .call_one(
            "select * from holdfast.sweep_expire($1, $2, $3)",
            &[&ShopCode(shop), &BATCH_MAX, &skip],
        )
        .await?;
    Ok(Expired {
        expired: row.get("o_expired"),
        failed: row.get("o_failed"),
    })
}
