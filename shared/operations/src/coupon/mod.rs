//! Coupons: put, read, list.

pub mod list;
pub mod put;
pub mod read;

use serde::{Deserialize, Serialize};

use crate::utc::Utc;

pub use list::list;
pub use put::{Kind, Put, PutError, SKUS_MAX, put};
pub use read::read;

/// A coupon. The database writes it as JSON of this shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coupon {
    pub code: String,
    /// `percent` or `fixed`.
    pub kind: String,
    /// Basis points of a percent coupon, minor units of a fixed one.
    pub value: i64,
    /// The smallest sum of its lines for which it may be used.
    pub minimum_minor: i64,
    /// The beginning of its validity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Utc>,
    /// The end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Utc>,
    /// Uses by all customers together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses_max: Option<i32>,
    /// Uses by one customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses_per_customer_max: Option<i32>,
    /// The skus that it applies to. `None`: every sku.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skus: Option<Vec<String>>,
    /// Uses held by orders that await payment.
    pub uses_held: i32,
    /// Uses of paid orders.
    pub uses_consumed: i32,
    pub created_at: Utc,
}
