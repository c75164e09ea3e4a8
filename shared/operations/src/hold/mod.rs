//! The journal of every claim on stock: list.

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
    /// Whose claim.
    pub checkout_id: Uuid,
    /// Of which time that stock was taken for the checkout.
    pub take: i32,
    /// Of what.
    pub sku: String,
    /// How many units.
    pub quantity: i32,
    /// The price that the shopper was shown, in minor units.
    pub price_minor: i64,
    /// `active`, `consumed`, `released` or `expired`.
    pub status: String,
    /// Until when.
    pub expires_at: Utc,
    /// Since when.
    pub created_at: Utc,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Utc>,
    /// Who buys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
}
