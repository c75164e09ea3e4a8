//! Shops: put, read, list.

pub mod list;
pub mod put;
pub mod read;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::Shop;
use crate::quantity::{HoldSeconds, Units};
use crate::text::{Currency, ShopName, TimeZone};
use crate::utc::Utc;

pub use list::list;
pub use put::{Put, PutError, put};
pub use read::read;

/// A shop and its limits.
// The database writes it as JSON of this shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ShopProfile)]
pub struct Profile {
    #[schema(value_type = Shop)]
    pub shop: String,
    #[schema(value_type = ShopName)]
    pub name: String,
    /// The currency of all its prices.
    #[schema(value_type = Currency)]
    pub currency: String,
    /// How long a new checkout holds stock, in seconds.
    #[schema(value_type = HoldSeconds)]
    pub hold_s_default: i32,
    /// The longest hold that a checkout may ask for, in seconds.
    #[schema(value_type = HoldSeconds)]
    pub hold_s_max: i32,
    /// How long an order that waits for its payment holds stock, in seconds, until its gateway
    /// reports a try to pay.
    #[schema(value_type = HoldSeconds)]
    pub order_hold_s_untried: i32,
    /// How long an order that waits for its payment holds stock after that, in seconds since it
    /// was made.
    #[schema(value_type = HoldSeconds)]
    pub order_hold_s: i32,
    /// How many units one checkout of the storefront may hold.
    #[schema(value_type = Units)]
    pub units_per_cart_max: i32,
    /// How many units of one sku one checkout of the storefront may hold.
    #[schema(value_type = Units)]
    pub units_per_line_max: i32,
    /// How many checkouts of one customer may hold stock at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Units>)]
    pub checkouts_per_customer_max: Option<i32>,
    /// Whether customers' names that differ only in case, padding or invisible characters count
    /// as one for limits.
    pub customers_folded: bool,
    /// Whether the storefront may sell with `payment_method` `offline`.
    pub offline_allowed: bool,
    /// The time zone in which people read its times.
    #[schema(value_type = TimeZone)]
    pub time_zone: String,
    pub created_at: Utc,
}
