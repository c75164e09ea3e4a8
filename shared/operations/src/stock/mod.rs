//! Stock levels: availability for storefronts; read, receive, adjust, set and shrink for clerks.

pub mod adjust;
pub mod availability;
pub mod change;
pub mod read;
pub mod receive;
pub mod set;
pub mod shrink;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::utc::Utc;

pub use adjust::adjust;
pub use availability::{Availability, SkuAvailability, availability};
pub use change::{Change, ChangeError, Changed};
pub use read::read;
pub use receive::receive;
pub use set::set;
pub use shrink::{BrokenHold, Shrink, ShrinkError, Shrinkage, shrink};

/// The counters of one sku.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    pub sku: String,
    /// Units that the business could hand over now.
    pub on_hand: i32,
    /// Units that active holds hold.
    pub held: i32,
    /// `on_hand - held`.
    pub available: i32,
    /// How often the stock level was written.
    pub version: i64,
}

/// One row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Movement {
    pub sku: String,
    /// The version that the change gave the stock level.
    pub version: i64,
    /// The change of `on_hand`.
    pub delta: i32,
    /// `on_hand` after the change.
    pub on_hand_after: i32,
    /// `received`, `adjusted`, `sold`, `returned` or `missing`.
    pub reason: String,
    pub actor: String,
    /// Its reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Why, in the clerk's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The client's id of the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub movement_id: Option<Uuid>,
    pub created_at: Utc,
}
