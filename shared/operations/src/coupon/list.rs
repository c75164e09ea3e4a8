//! One page of a shop's coupons.

use tokio_postgres::types::Type;

use super::Coupon;
use crate::db::{Database, Failure};
use crate::ids::{CouponCode, Shop};
use crate::page::{self, Page};
use crate::quantity::PageLimit;

/// Lists coupons, sorted by code: those after `after`. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn list(
    db: &Database,
    shop: &Shop,
    after: Option<&CouponCode>,
    limit: PageLimit,
) -> Result<Page<Coupon>, Failure> {
    let row = db
        .call_one(
            "select holdfast.coupon_list($1, $2, $3)",
            &[
                (&shop.as_str(), Type::TEXT),
                (&after.map(CouponCode::as_str), Type::TEXT),
                (&limit.get(), Type::INT4),
            ],
        )
        .await?;
    page::by_code(row.get(0), limit.get(), |coupon: &Coupon| &coupon.code)
}
