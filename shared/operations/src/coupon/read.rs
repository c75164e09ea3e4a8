//! Reads a coupon.

use super::Coupon;
use crate::db::{Database, Failure, from_json};
use crate::ids::{CouponCode, Shop};

/// Reads a coupon, its terms and its uses. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn read(
    db: &Database,
    shop: &Shop,
    code: &CouponCode,
) -> Result<Option<Coupon>, Failure> {
    let row = db
        .call_one("select holdfast.coupon_read($1, $2)", &[&shop, &code])
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    json.map(from_json).transpose()
}
