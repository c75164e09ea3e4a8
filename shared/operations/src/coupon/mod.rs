//! Coupons: put, read, list.

pub mod list;
pub mod put;
pub mod read;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{CouponCode, Sku};
use crate::page::ListRow;
use crate::quantity::{Amount, Count, CouponValue, Units};
use crate::utc::Utc;

pub use list::list;
pub use put::{CouponKind, Put, PutError, Taken, put};
pub use read::read;

/// A coupon.
// The database writes it as JSON of this shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Coupon {
    #[schema(value_type = CouponCode)]
    pub code: String,
    #[schema(value_type = CouponKind)]
    pub kind: String,
    /// For `percent`: basis points. For `fixed`: an amount in minor units.
    #[schema(value_type = CouponValue)]
    pub value: i64,
    /// The smallest sum of its lines for which it may be used.
    #[schema(value_type = Amount)]
    pub minimum_minor: i64,
    /// When it becomes valid. Missing if it always was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Utc>,
    /// When it stops being valid. Missing if it never does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Utc>,
    /// How many uses there are in total. Missing for any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Count>)]
    pub uses_max: Option<i32>,
    /// How many uses one customer has. Missing for any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Units>)]
    pub uses_per_customer_max: Option<i32>,
    /// The skus that it is for. Missing for every sku.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Sku>>)]
    pub skus: Option<Vec<String>>,
    /// Uses of orders that wait for their payment.
    #[schema(value_type = Count)]
    pub uses_held: i32,
    /// Uses of paid orders.
    #[schema(value_type = Count)]
    pub uses_consumed: i32,
    pub created_at: Utc,
}

impl ListRow for Coupon {
    const ROWS: &'static str = "coupons";
}
