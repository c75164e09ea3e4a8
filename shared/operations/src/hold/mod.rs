//! The journal of holds: list, purge, backlog.

pub mod backlog;
pub mod list;
pub mod purge;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::ids::{CheckoutId, Customer, Sku};
use crate::quantity::{Amount, Quantity};
use crate::utc::Utc;

pub use backlog::{Backlog, backlog};
pub use list::{Filter, HoldStatus, Position, list};
pub use purge::{PURGE_MAX, purge};

/// One row of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    #[schema(value_type = CheckoutId)]
    pub checkout_id: Uuid,
    /// Which placing of the checkout's holds this is: 1 for the first, then one more for each
    /// replacement and each order after an expiry.
    #[schema(minimum = 1, example = 1)]
    pub generation: i32,
    #[schema(value_type = Sku)]
    pub sku: String,
    #[schema(value_type = Quantity)]
    pub quantity: i32,
    /// The price of one unit that the shopper saw, in minor units.
    #[schema(value_type = Amount)]
    pub price_minor: i64,
    #[schema(value_type = HoldStatus)]
    pub status: String,
    /// When it ends.
    pub expires_at: Utc,
    /// When it began.
    pub created_at: Utc,
    /// When it was consumed or released, or found to be expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Customer>)]
    pub customer: Option<String>,
}
