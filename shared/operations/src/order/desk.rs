//! An order as staff see it.

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcOffset};
use uuid::Uuid;

use super::Payment;
use crate::db::Failure;

/// An order with the fields that staff need, as the database writes it in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeskOrder {
    pub order_id: Uuid,
    /// Its checkout: the id of the booking.
    pub checkout_id: Uuid,
    /// The customer: the party that travels.
    pub customer: String,
    /// The dispatcher who booked it. `None` for an online order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placed_by: Option<String>,
    /// `awaiting_payment`, `paid`, `review`, `refund_due`, `refunded`, `expired` or `cancelled`.
    pub status: String,
    /// Rises when staff change the order. An amendment names the version that it saw.
    pub version: i64,
    /// The lines, sorted by sku.
    pub lines: Vec<SoldLine>,
    /// The sum of the lines in minor units of `currency`.
    pub subtotal_minor: i64,
    /// The coupon's discount.
    pub discount_minor: i64,
    /// `subtotal_minor - discount_minor`.
    pub total_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// The coupon's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coupon: Option<String>,
    pub payment: Payment,
    /// When it was ordered.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// The database's clock at the answer.
    #[serde(with = "time::serde::rfc3339")]
    pub server_time: OffsetDateTime,
}

/// One line of an order, with its returned units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoldLine {
    pub sku: String,
    /// Units that were ordered.
    pub quantity: i32,
    /// Units that came back.
    pub returned: i32,
    /// Price of one unit in minor units.
    pub price_minor: i64,
}

impl DeskOrder {
    /// Parses a routine's JSON. Its times are in the session's time zone.
    pub(super) fn from_json(json: serde_json::Value) -> Result<Self, Failure> {
        let mut order: Self =
            serde_json::from_value(json).map_err(|error| Failure::Internal(error.into()))?;
        order.created_at = order.created_at.to_offset(UtcOffset::UTC);
        order.server_time = order.server_time.to_offset(UtcOffset::UTC);
        Ok(order)
    }
}
