//! Gateway orders: the orders or sessions that gateways create for a payment before the money
//! comes. They are stored, so that the storefront finds them again, and the sweeper can look them
//! up and close them.

pub mod claim;
pub mod close;
pub mod due;
pub mod put;
pub mod read;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::utc::Utc;

pub use claim::claim;
pub use close::{Closed, close};
pub use due::{Due, due};
pub use put::{Put, PutError, Stored, put};
pub use read::read;

/// A gateway's order or session. The database writes it as JSON of this shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayOrder {
    pub gateway: String,
    pub gateway_order_id: String,
    /// Our reference of the payment.
    pub reference: String,
    /// What the storefront needs to take the payment.
    pub data: Value,
    /// When the gateway ends it by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Utc>,
    /// When it was made.
    pub created_at: Utc,
    /// When it was closed. It takes no payment any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Utc>,
}
