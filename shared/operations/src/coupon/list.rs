//! One page of a shop's coupons.

use serde::{Deserialize, Serialize};

use super::Coupon;
use crate::db::{Database, Failure};
use crate::ids::{CouponCode, Shop};
use crate::page::{self, After, Page};
use crate::quantity::PageLimit;

/// The coupon that a page begins after.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Position {
    code: CouponCode,
}

impl page::Position for Position {
    const LIST: &'static str = "coupon_list";
}

/// Lists coupons, sorted by code. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn list(
    db: &Database,
    shop: &Shop,
    after: Option<&After<Position>>,
    limit: PageLimit,
) -> Result<Page<Coupon>, Failure> {
    let row = db
        .call_one(
            "select holdfast.coupon_list($1, $2, $3)",
            &[&shop, &after.map(|After(place)| &place.code), &limit],
        )
        .await?;
    page::by_code::<Coupon, Position>(row.get(0), limit)
}
