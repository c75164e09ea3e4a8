//! An order as staff see it.

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcOffset};
use uuid::Uuid;

use super::Payment;
use crate::db::Failure;

/// An order with what staff need to change it. The database writes it as JSON; this type is what
/// that JSON must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeskOrder {
    /// The order's id.
    pub order_id: Uuid,
    /// The checkout that it was: the id of the booking.
    pub checkout_id: Uuid,
    /// Who travels, or buys.
    pub customer: String,
    /// The dispatcher who booked it; none when the customer did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placed_by: Option<String>,
    /// `awaiting_payment`, `paid`, `review`, `refund_due`, `refunded`, `expired` or `cancelled`.
    pub status: String,
    /// Rises when staff change the order. An amendment says which one it has seen.
    pub version: i64,
    /// The lines, sorted by sku.
    pub lines: Vec<SoldLine>,
    /// The sum of the lines in minor units of `currency`.
    pub subtotal_minor: i64,
    /// What the coupon takes off.
    pub discount_minor: i64,
    /// `subtotal_minor - discount_minor`.
    pub total_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// The coupon's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coupon: Option<String>,
    /// The money.
    pub payment: Payment,
    /// When it was ordered.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// The database's clock at this answer.
    #[serde(with = "time::serde::rfc3339")]
    pub server_time: OffsetDateTime,
}

/// One line of an order, and what of it came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoldLine {
    /// The sku's code.
    pub sku: String,
    /// Units that were ordered.
    pub quantity: i32,
    /// Units of them that were put back.
    pub returned: i32,
    /// Price of one unit in minor units.
    pub price_minor: i64,
}

impl DeskOrder {
    /// Reads an order from a routine's JSON, whose times are in the session's time zone.
    pub(super) fn from_json(json: serde_json::Value) -> Result<Self, Failure> {
        let mut order: Self =
            serde_json::from_value(json).map_err(|error| Failure::Internal(error.into()))?;
        order.created_at = order.created_at.to_offset(UtcOffset::UTC);
        order.server_time = order.server_time.to_offset(UtcOffset::UTC);
        Ok(order)
    }
}
