//! A coupon's terms and uses, as the stock office sees them: put, read, list.

pub mod list;
pub mod put;
pub mod read;

use serde::{Deserialize, Serialize};

use crate::utc::Utc;

pub use list::list;
pub use put::{Kind, Put, PutError, SKUS_MAX, put};
pub use read::read;

/// A coupon. The database writes it as JSON; this type is what that JSON must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coupon {
    /// The coupon's code.
    pub code: String,
    /// `percent` or `fixed`.
    pub kind: String,
    /// Basis points of a percent coupon, minor units of a fixed one.
    pub value: i64,
    /// From which sum of its lines on it may be used.
    pub minimum_minor: i64,
    /// From when on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Utc>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Utc>,
    /// How often, by everybody together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses_max: Option<i32>,
    /// How often, by one customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses_per_customer_max: Option<i32>,
    /// The skus that it takes something off; every sku, when none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skus: Option<Vec<String>>,
    /// Uses that orders hold which await their payment.
    pub uses_held: i32,
    /// Uses of paid orders.
    pub uses_consumed: i32,
    /// When it was first put.
    pub created_at: Utc,
}
