//! What a checkout becomes when the shopper commits.

pub mod address;
pub mod amend;
pub mod book;
pub mod cancel;
pub mod create;
pub mod desk;
pub mod read;
pub mod restock;

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcOffset};
use uuid::Uuid;

pub use address::Address;
pub use amend::{Amend, AmendError, Amended, amend};
pub use book::{Book, BookError, Booked, book};
pub use cancel::{CancelError, cancel};
pub use create::{CouponRefusal, Create, CreateError, Created, PaymentMethod, ShipTo, create};
pub use desk::{DeskOrder, SoldLine};
pub use read::read;
pub use restock::{Excess, Restock, RestockError, Restocked, restock};

use crate::checkout::PricedLine;

/// An order as its readers see it. The database writes it as JSON; this type is what that JSON must
/// be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The order's id.
    pub order_id: Uuid,
    /// The checkout that it was.
    pub checkout_id: Uuid,
    /// Whose it is.
    pub customer: String,
    /// `awaiting_payment`, `paid`, `review`, `refund_due`, `refunded`, `expired` or `cancelled`.
    pub status: String,
    /// The lines, sorted by sku, at the prices of the checkout.
    pub lines: Vec<PricedLine>,
    /// The sum of the lines in minor units of `currency`.
    pub subtotal_minor: i64,
    /// What the coupon takes off.
    pub discount_minor: i64,
    /// `subtotal_minor - discount_minor`: what is to be paid.
    pub total_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// The coupon's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coupon: Option<String>,
    /// Where it goes, as it was when the order was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// The saved address that it is, or became.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_id: Option<Uuid>,
    /// The money.
    pub payment: Payment,
    /// Until when the stock is held, by the database's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// The database's clock at this answer.
    #[serde(with = "time::serde::rfc3339")]
    pub server_time: OffsetDateTime,
}

/// One order's money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// What the gateway knows the order by.
    pub reference: String,
    /// `unpaid`, `dropped`, `failed` or `paid`: it only rises.
    pub status: String,
    /// `online` or `offline`.
    pub method: String,
    /// Minor units.
    pub amount_minor: i64,
}

/// Reads an order from the routine's JSON, whose times are in the session's time zone.
fn from_json(json: serde_json::Value) -> Result<Order, crate::db::Failure> {
    let mut order: Order =
        serde_json::from_value(json).map_err(|error| crate::db::Failure::Internal(error.into()))?;
    order.expires_at = order.expires_at.to_offset(UtcOffset::UTC);
    order.server_time = order.server_time.to_offset(UtcOffset::UTC);
    Ok(order)
}
