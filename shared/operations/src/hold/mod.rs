//! The journal of holds: list, purge.

pub mod list;
pub mod purge;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::utc::Utc;

pub use list::{Filter, Position, Status, list};
pub use purge::purge;

/// One row of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    pub checkout_id: Uuid,
    /// The generation of the checkout's holds: 1 is the first, each replacement makes the next.
    pub generation: i32,
    pub sku: String,
    pub quantity: i32,
    /// The price shown to the shopper, in minor units.
    pub price_minor: i64,
    /// `active`, `consumed`, `released` or `expired`.
    pub status: String,
    /// The end.
    pub expires_at: Utc,
    /// The beginning.
    pub created_at: Utc,
    /// When it was resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Utc>,
    /// The customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
}
