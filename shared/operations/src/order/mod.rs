//! Orders: create, read, book, amend, cancel, restock.

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

/// An order, as the database writes it in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub order_id: Uuid,
    /// Its checkout.
    pub checkout_id: Uuid,
    pub customer: String,
    /// `awaiting_payment`, `paid`, `review`, `refund_due`, `refunded`, `expired` or `cancelled`.
    pub status: String,
    /// The lines, sorted by sku, at the prices of the checkout.
    pub lines: Vec<PricedLine>,
    /// The sum of the lines in minor units of `currency`.
    pub subtotal_minor: i64,
    /// The coupon's discount.
    pub discount_minor: i64,
    /// `subtotal_minor - discount_minor`: what is to be paid.
    pub total_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// The coupon's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coupon: Option<String>,
    /// The address at the time of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// The id of the saved address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_id: Option<Uuid>,
    pub payment: Payment,
    /// The end of the hold, by the database's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// The database's clock at the answer.
    #[serde(with = "time::serde::rfc3339")]
    pub server_time: OffsetDateTime,
}

/// One order's money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The payment reference.
    pub reference: String,
    /// `unpaid`, `dropped`, `failed` or `paid`: it only rises.
    pub status: String,
    /// `online` or `offline`.
    pub method: String,
    /// Minor units.
    pub amount_minor: i64,
}

/// Parses the routine's JSON. Its times are in the session's time zone.
fn from_json(json: serde_json::Value) -> Result<Order, crate::db::Failure> {
    let mut order: Order =
        serde_json::from_value(json).map_err(|error| crate::db::Failure::Internal(error.into()))?;
    order.expires_at = order.expires_at.to_offset(UtcOffset::UTC);
    order.server_time = order.server_time.to_offset(UtcOffset::UTC);
    Ok(order)
}
