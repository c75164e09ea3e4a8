//! Creates or replaces a coupon.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Coupon;
use crate::db::{Database, Failure, from_json, sent_as};
use crate::ids::{CouponCode, Shop, Sku};
use crate::object::not_null;
use crate::quantity::{Count, CouponValue, PriceMinor, Units};
use crate::refusal::Kind;
use crate::refusals;
use crate::utc::Utc;

/// Skus of one coupon.
const SKUS_MAX: usize = 500;
/// 100 %, in basis points.
const PERCENT_MAX: i64 = 10_000;

/// The kind of a coupon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CouponKind {
    /// Basis points of the price of its lines.
    Percent,
    /// Minor units, at most the price of its lines.
    Fixed,
}

sent_as!(CouponKind, &str, |kind| match kind {
    CouponKind::Percent => "percent",
    CouponKind::Fixed => "fixed",
});

/// A coupon's terms. A missing field has its default.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CouponPut)]
pub struct Put {
    pub kind: CouponKind,
    /// For `percent`: basis points (1250 is 12.5 %, 10000 is everything). For `fixed`: an amount
    /// in minor units.
    pub value: CouponValue,
    /// The smallest sum of its lines for which it may be used.
    #[serde(default = "none")]
    #[schema(default = 0)]
    pub minimum_minor: PriceMinor,
    /// When it becomes valid. Default: always valid.
    #[serde(default, deserialize_with = "not_null")]
    pub valid_from: Option<Utc>,
    /// When it stops being valid. Default: never. Later than `valid_from`.
    #[serde(default, deserialize_with = "not_null")]
    pub valid_until: Option<Utc>,
    /// How many uses there are in total. Default: any number.
    #[serde(default, deserialize_with = "not_null")]
    pub uses_max: Option<Count>,
    /// How many uses one customer has. Default: any number.
    #[serde(default, deserialize_with = "not_null")]
    pub uses_per_customer_max: Option<Units>,
    /// The skus that it is for. Default: every sku.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Option<Vec<Sku>>, min_items = 1, max_items = 500)]
    pub skus: Option<Vec<Sku>>,
}

fn none() -> PriceMinor {
    PriceMinor::NONE
}

/// The uses of a coupon that orders have taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CouponUses)]
pub struct Taken {
    /// Uses of orders that wait for their payment.
    #[schema(value_type = Count)]
    pub uses_held: i32,
    /// Uses of paid orders.
    #[schema(value_type = Count)]
    pub uses_consumed: i32,
}

const BELOW_USED: Kind = Kind {
    status: 409,
    code: "below_used",
    title: "More uses are already taken",
    detail: "Nothing was changed: orders already hold or have consumed more uses than `uses_max`.",
};

refusals! {
    /// Why a coupon is refused, in order of precedence.
    pub enum PutError {
        MoreThanAll => Said::invalid(
            "value",
            "must be at most 10000 basis points, which are 100 %",
        );
        EndsTooEarly => Said::invalid("valid_until", "must be later than valid_from");
        NumberOfSkus => Said::invalid(
            "skus",
            "must be 1 to 500 codes; leave it out for every sku",
        );
        UnknownShop => Said::not_found("shop");
        /// orders already hold or have consumed more uses than `uses_max`.
        BelowUsed(all: Taken) => BELOW_USED;
    }
}

impl Put {
    /// Checks the fields that limit each other.
    fn checked(&self) -> Result<(), PutError> {
        if self.kind == CouponKind::Percent && self.value.get() > PERCENT_MAX {
            return Err(PutError::MoreThanAll);
        }
        match &self.skus {
            Some(skus) if !(1..=SKUS_MAX).contains(&skus.len()) => Err(PutError::NumberOfSkus),
            _ => Ok(()),
        }
    }
}

/// Creates or replaces the coupon. Returns whether it is new. Held and consumed uses stay counted.
/// Locks: the coupon.
///
/// # Errors
/// [`PutError`]; a refusal changes nothing.
pub async fn put(
    db: &Database,
    shop: &Shop,
    code: &CouponCode,
    put: &Put,
) -> Result<(bool, Coupon), PutError> {
    put.checked()?;
    // each sku once, in order: the same skus are the same terms
    let skus: Option<BTreeSet<&Sku>> = put.skus.as_ref().map(|skus| skus.iter().collect());
    let skus: Option<Vec<&Sku>> = skus.map(|skus| skus.into_iter().collect());
    let row = db
        .call_one(
            "select * from holdfast.coupon_put($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            &[
                &shop,
                &code,
                &put.kind,
                &put.value,
                &put.minimum_minor,
                &put.valid_from,
                &put.valid_until,
                &put.uses_max,
                &put.uses_per_customer_max,
                &skus,
            ],
        )
        .await
        .map_err(|failure| match failure.constraint() {
            Some("coupon_ends_after_it_begins") => PutError::EndsTooEarly,
            Some("coupons_shop_fkey") => PutError::UnknownShop,
            _ => failure.into(),
        })?;
    let coupon: Coupon = from_json(row.get("o_coupon"))?;
    match row.get("o_outcome") {
        "created" => Ok((true, coupon)),
        "changed" | "unchanged" => Ok((false, coupon)),
        "below_used" => Err(PutError::BelowUsed(Taken {
            uses_held: coupon.uses_held,
            uses_consumed: coupon.uses_consumed,
        })),
        other => Err(Failure::unknown_outcome("coupon_put", other).into()),
    }
}
