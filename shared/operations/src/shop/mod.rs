//! Shops: put, read, list.

pub mod list;
pub mod put;
pub mod read;

use serde::{Deserialize, Serialize};

use crate::utc::Utc;

pub use list::list;
pub use put::{Put, PutError, put};
pub use read::read;

/// A shop and its limits. The database writes it as JSON of this shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub shop: String,
    pub name: String,
    /// ISO 4217: the currency of all its prices.
    pub currency: String,
    /// How long a new checkout holds stock, in seconds.
    pub hold_s_default: i32,
    /// The longest that a checkout may ask for.
    pub hold_s_max: i32,
    /// How long an order that awaits its payment holds stock.
    pub order_hold_s: i32,
    /// How many checkouts of one customer may hold stock at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkouts_per_customer_max: Option<i32>,
    pub created_at: Utc,
}
