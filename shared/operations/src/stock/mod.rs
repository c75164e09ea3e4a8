//! Stock levels: availability for storefronts; read, receive, adjust, set and shrink for clerks.

pub mod adjust;
pub mod availability;
pub mod change;
pub mod read;
pub mod receive;
pub mod set;
pub mod shrink;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::ids::{Actor, MovementId, Reference, Sku};
use crate::quantity::{Delta, OnHand, Version};
use crate::text::{Note, one_of};
use crate::utc::Utc;

pub use adjust::{Adjust, adjust};
pub use availability::{Availability, SkuAvailability, availability};
pub(crate) use change::STOCK_FULL;
pub use change::{ChangeError, Changed, PRECONDITION_FAILED, STOCK_STALE, Stale};
pub use read::read;
pub use receive::{Receive, receive};
pub use set::{Set, set};
pub use shrink::{BrokenHold, Shrink, ShrinkError, Shrinkage, shrink};

/// The counters of one sku.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StockLevel)]
pub struct Level {
    #[schema(value_type = Sku)]
    pub sku: String,
    /// Units that the business could hand over now.
    #[schema(value_type = OnHand)]
    pub on_hand: i32,
    /// Units of `on_hand` that active holds have.
    #[schema(value_type = OnHand)]
    pub held: i32,
    /// `on_hand` minus `held`.
    #[schema(value_type = OnHand)]
    pub available: i32,
    #[schema(value_type = Version)]
    pub version: i64,
}

one_of!(
    /// The reason of a stock change.
    MovementReason, "received", "adjusted", "sold", "returned", "missing"
);

/// One row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StockMovement)]
pub struct Movement {
    #[schema(value_type = Sku)]
    pub sku: String,
    /// The stock level's version after the change.
    #[schema(value_type = Version)]
    pub version: i64,
    /// The change of `on_hand`.
    #[schema(value_type = Delta)]
    pub delta: i32,
    /// `on_hand` after the change.
    #[schema(value_type = OnHand)]
    pub on_hand_after: i32,
    #[schema(value_type = MovementReason)]
    pub reason: String,
    #[schema(value_type = Actor)]
    pub actor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Reference>)]
    pub reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Note>)]
    pub note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MovementId>)]
    pub movement_id: Option<Uuid>,
    pub created_at: Utc,
}
