//! Creates or replaces a coupon.

use serde::Deserialize;

use super::Coupon;
use crate::db::{Database, Failure, from_json, sent_as};
use crate::ids::{CouponCode, Shop, Sku};
use crate::quantity::{Count, CouponValue, PriceMinor, Units};
use crate::utc::Utc;

/// Skus of one coupon.
pub const SKUS_MAX: usize = 500;

/// The kind of a coupon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Basis points of the price of its lines.
    Percent,
    /// Minor units, at most the price of its lines.
    Fixed,
}

sent_as!(Kind, &str, |kind| match kind {
    Kind::Percent => "percent",
    Kind::Fixed => "fixed",
});

/// A coupon's terms.
#[derive(Debug, Clone)]
pub struct Put {
    pub shop: Shop,
    pub code: CouponCode,
    /// Its kind.
    pub kind: Kind,
    /// How much: basis points, 10000 at most, or minor units.
    pub value: CouponValue,
    /// The smallest sum of its lines for which it may be used.
    pub minimum_minor: Option<PriceMinor>,
    /// The beginning of its validity.
    pub valid_from: Option<Utc>,
    /// The end.
    pub valid_until: Option<Utc>,
    /// Uses by all customers together.
    pub uses_max: Option<Count>,
    /// Uses by one customer.
    pub uses_per_customer_max: Option<Units>,
    /// The skus that it applies to: sorted, each once, 1 to [`SKUS_MAX`]. `None`: every sku.
    pub skus: Option<Vec<Sku>>,
}

/// Why a coupon is refused.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    #[error("there is no such shop")]
    UnknownShop,
    #[error("more uses are taken than the coupon would have")]
    BelowUsed(Box<Coupon>),
    #[error(transparent)]
    Failure(Failure),
}

impl From<Failure> for PutError {
    fn from(failure: Failure) -> Self {
        match failure.constraint() {
            Some("coupons_shop_fkey") => Self::UnknownShop,
            _ => Self::Failure(failure),
        }
    }
}

/// Creates or replaces the coupon. Returns whether it is new. Held and consumed uses stay counted.
/// Locks: the coupon.
///
/// # Errors
/// [`PutError`]; a refusal changes nothing.
pub async fn put(db: &Database, put: &Put) -> Result<(bool, Coupon), PutError> {
    let row = db
        .call_one(
            "select * from holdfast.coupon_put($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            &[
                &put.shop,
                &put.code,
                &put.kind,
                &put.value,
                &put.minimum_minor.map_or(0, PriceMinor::get),
                &put.valid_from,
                &put.valid_until,
                &put.uses_max,
                &put.uses_per_customer_max,
                &put.skus,
            ],
        )
        .await?;
    let coupon = from_json(row.get("o_coupon"))?;
    match row.get("o_outcome") {
        "created" => Ok((true, coupon)),
        "changed" | "unchanged" => Ok((false, coupon)),
        "below_used" => Err(PutError::BelowUsed(Box::new(coupon))),
        other => Err(Failure::unknown_outcome("coupon_put", other).into()),
    }
}
