//! Gives back refunds that were claimed and not tried.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Claimed;
use crate::db::{Database, Failure};
use crate::ids::Shop;

/// Gives back what was [claimed](super::claim()) and of which the gateway was not told: it is due
/// at once, and its try is not counted. What somebody else has claimed since stays theirs. Returns
/// how many.
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
            &[
                (&shop.as_str(), Type::TEXT),
                (&ids, Type::UUID_ARRAY),
                (&attempts, Type::INT4_ARRAY),
            ],
        )
        .await?;
    Ok(row.get(0))
}
