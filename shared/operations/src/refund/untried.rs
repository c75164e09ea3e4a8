//! Gives back refunds that were claimed and not tried.

use uuid::Uuid;

use super::Claimed;
use crate::db::{Database, Failure};
use crate::ids::Shop;

/// Gives back [claimed](super::claim()) refunds that were not sent to their gateway. They are due
/// at once, and the try does not count. A refund that another caller has claimed since stays with
/// that caller. Returns how many.
///
/// Locks: the refunds.
///
/// # Errors
/// [`Failure`] when the database could not answer: then the tries count.
pub async fn untried(db: &Database, shop: &Shop, claims: &[Claimed]) -> Result<i32, Failure> {
    if claims.is_empty() {
        return Ok(0);
    }
    let ids: Vec<Uuid> = claims.iter().map(|claim| claim.refund_id).collect();
    let attempts: Vec<i32> = claims.iter().map(|claim| claim.attempts).collect();
    let row = db
        .call_one(
            "select holdfast.refund_untried($1, $2, $3)",
            &[&shop, &ids, &attempts],
        )
        .await?;
    Ok(row.get(0))
}
