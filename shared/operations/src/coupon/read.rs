//! Reads a coupon.

use tokio_postgres::types::Type;

use super::{Coupon, from_json};
use crate::db::{Database, Failure};
use crate::ids::{CouponCode, Shop};

/// Why a coupon is not shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none.
    #[error("there is no such coupon")]
    NotFound,
    /// Could not decide.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Reads a coupon, its terms and its uses. Locks nothing.
///
/// # Errors
/// [`ReadError`].
pub async fn read(db: &Database, shop: &Shop, code: &CouponCode) -> Result<Coupon, ReadError> {
    let row = db
        .call_one(
            "select holdfast.coupon_read($1, $2)",
            &[(&shop.as_str(), Type::TEXT), (&code.as_str(), Type::TEXT)],
        )
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    Ok(from_json(json.ok_or(ReadError::NotFound)?)?)
}
