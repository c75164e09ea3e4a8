//! One page of a shop's coupons.

use super::Coupon;
use crate::db::{Database, Failure};
use crate::ids::{CouponCode, Shop};
use crate::page::{self, After, Page};
use crate::quantity::PageLimit;

/// Lists coupons, sorted by code. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn list(
    db: &Database,
    shop: &Shop,
    after: Option<&After<CouponCode>>,
    limit: PageLimit,
) -> Result<Page<Coupon>, Failure> {
    let row = db
        .call_one(
            "select holdfast.coupon_list($1, $2, $3)",
            &[&shop, &after.map(|After(code)| code), &limit],
        )
        .await?;
    page::by_code(row.get(0), limit.get(), |coupon: &Coupon| &coupon.code)
}
