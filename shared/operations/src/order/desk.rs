//! An order as staff see it.

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcOffset};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{OrderStatus, Payment};
use crate::db::Failure;
use crate::ids::{Actor, CheckoutId, CouponCode, Customer, OrderId, Sku};
use crate::quantity::{Amount, Count, Quantity};
use crate::text::Currency;

// The database writes it as JSON of this shape.
/// An order, with the fields that staff need to change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeskOrder {
    #[schema(value_type = OrderId)]
    pub order_id: Uuid,
    /// The id of the booking.
    #[schema(value_type = CheckoutId)]
    pub checkout_id: Uuid,
    /// The customer: the party that travels.
    #[schema(value_type = Customer)]
    pub customer: String,
    /// The dispatcher who booked it. Missing if the customer ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Actor>)]
    pub placed_by: Option<String>,
    #[schema(value_type = OrderStatus)]
    pub status: String,
    /// Rises with each change by staff. An amendment names the version that it saw.
    #[schema(minimum = 1)]
    pub version: i64,
    /// One line per sku, sorted by sku.
    #[schema(min_items = 1, max_items = 50)]
    pub lines: Vec<SoldLine>,
    /// The sum of the lines in minor units of `currency`.
    #[schema(value_type = Amount)]
    pub subtotal_minor: i64,
    /// The coupon's discount.
    #[schema(value_type = Amount)]
    pub discount_minor: i64,
    /// `subtotal_minor` minus `discount_minor`.
    #[schema(value_type = Amount)]
    pub total_minor: i64,
    #[schema(value_type = Currency)]
    pub currency: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<CouponCode>)]
    pub coupon: Option<String>,
    pub payment: Payment,
    /// When it was ordered.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(example = "2026-11-21T04:30:00Z")]
    pub created_at: OffsetDateTime,
    /// The database's clock at the answer.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(example = "2026-11-21T04:31:00Z")]
    pub server_time: OffsetDateTime,
}

/// One line of an order, with its returned units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = DeskOrderLine)]
pub struct SoldLine {
    #[schema(value_type = Sku)]
    pub sku: String,
    /// Units that were ordered.
    #[schema(value_type = Quantity)]
    pub quantity: i32,
    /// Units that came back.
    #[schema(value_type = Count)]
    pub returned: i32,
    /// Price of one unit in minor units.
    #[schema(value_type = Amount)]
    pub price_minor: i64,
    /// The line's share of the order's discount, for all of its units. The shares add up to
    /// `discount_minor` of the order.
    #[schema(value_type = Amount)]
    pub discount_minor: i64,
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
