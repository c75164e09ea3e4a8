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
use utoipa::ToSchema;
use uuid::Uuid;

pub use address::Address;
pub use amend::{Amend, AmendError, Amended, amend};
pub use book::{Book, BookError, Booked, book};
pub use cancel::{CancelError, cancel};
pub use create::{
    CouponRefusal, Create, CreateError, Created, PayBy, PaymentMethod, PriceChange, ShipTo, create,
};
pub use desk::{DeskOrder, SoldLine};
pub use read::read;
pub use restock::{Excess, Restock, RestockError, Restocked, restock};

use crate::checkout::{NOT_ON_SALE, SHORTAGE, UNKNOWN_SKU};
use crate::ids::{CheckoutId, CouponCode, Customer, OrderId, Sku};
use crate::quantity::{Amount, Quantity};
use crate::refusal::Kind;
use crate::text::{Currency, one_of};

/// The desk did not sell it.
const ORDER_NOT_OFFLINE: Kind = Kind {
    status: 409,
    code: "order_not_offline",
    title: "The order was paid through a gateway",
    detail: "Its money came through a gateway. Use a refund, which can put the goods back, too.",
};
/// Nothing can change it any more.
/// The order was changed as often as `order_changes_max` allows.
pub(crate) const TOO_MANY_CHANGES: Kind = Kind {
    status: 409,
    code: "too_many_changes",
    title: "The order was changed too often",
    detail: "An order takes at most 1,000 changes of its lines and returns of goods, all together. \
             Nothing was changed. For more, cancel the booking and book again, or adjust the \
             stock.",
};
const ORDER_ENDED: Kind = Kind {
    status: 409,
    code: "order_ended",
    title: "The order has ended",
    detail: "It is cancelled, or its money has gone back. Book again with a new id.",
};
/// At least one line of a booking is short.
const BOOKING_SHORT: Kind = Kind {
    detail: "Nothing was changed: all lines or none. `shortages` lists every line that is short. \
             Its `available` includes the units that the party already has.",
    ..SHORTAGE
};
/// A booking has skus that the shop does not have.
const BOOKING_UNKNOWN_SKU: Kind = Kind {
    detail: "Nothing was changed: the shop's catalogue does not have the skus in `skus`.",
    ..UNKNOWN_SKU
};
/// A booking has skus that are not on sale now.
const BOOKING_NOT_ON_SALE: Kind = Kind {
    detail: "Nothing was changed: the skus in `skus` are not on sale now.",
    ..NOT_ON_SALE
};

/// An order, as the database writes it in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Order {
    #[schema(value_type = OrderId)]
    pub order_id: Uuid,
    #[schema(value_type = CheckoutId)]
    pub checkout_id: Uuid,
    #[schema(value_type = Customer)]
    pub customer: String,
    #[schema(value_type = OrderStatus)]
    pub status: String,
    /// The bought lines, one per sku, sorted by sku.
    #[schema(min_items = 1, max_items = 50)]
    pub lines: Vec<OrderedLine>,
    /// The sum of the lines.
    #[schema(value_type = Amount)]
    pub subtotal_minor: i64,
    /// The coupon's discount.
    #[schema(value_type = Amount)]
    pub discount_minor: i64,
    /// What the shopper pays: `subtotal_minor` minus `discount_minor`.
    #[schema(value_type = Amount)]
    pub total_minor: i64,
    #[schema(value_type = Currency)]
    pub currency: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<CouponCode>)]
    pub coupon: Option<String>,
    /// The address at the time of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// The saved address that was used, or that `save_address` created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_id: Option<Uuid>,
    pub payment: Payment,
    /// The stock is held for the payment until then.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(example = "2026-11-21T05:00:00Z")]
    pub expires_at: OffsetDateTime,
    /// The stock is held until then once the payment gateway has reported a try to pay. Not
    /// earlier than `expires_at`.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(example = "2026-11-21T05:15:00Z")]
    pub expires_at_latest: OffsetDateTime,
    /// The database's clock when it decided. `expires_at` uses the same clock.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(example = "2026-11-21T04:30:00Z")]
    pub server_time: OffsetDateTime,
}

one_of!(
    /// - `awaiting_payment`: the stock is held until `expires_at`.
    /// - `paid`: sold, ready for fulfilment.
    /// - `review`: money came with another amount or currency. A person decides.
    /// - `refund_due`: the stock was gone when the money came, and the money is owed back.
    /// - `refunded`: the money went back.
    /// - `expired`: the payment did not come in time. It may still come.
    /// - `cancelled`: the checkout was released.
    OrderStatus,
    "awaiting_payment", "paid", "review", "refund_due", "refunded", "expired", "cancelled"
);

one_of!(
    /// The highest status that the payment has reached, in this order. It never falls. After
    /// `dropped` and `failed` the shopper may try again until `expires_at`.
    PaymentStatus, "unpaid", "dropped", "failed", "paid"
);

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = OrderLine)]
pub struct OrderedLine {
    #[schema(value_type = Sku)]
    pub sku: String,
    #[schema(value_type = Quantity)]
    pub quantity: i32,
    /// Price of one unit.
    #[schema(value_type = Amount)]
    pub price_minor: i64,
    /// The line's share of the order's discount. The shares add up to `discount_minor` of the
    /// order.
    #[schema(value_type = Amount)]
    pub discount_minor: i64,
}

/// One order's money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Payment {
    /// Give it to the gateway as its order id. It is the shop's code, `-`, and an id.
    #[schema(
        pattern = "^[a-z0-9]{1,12}-[a-z0-9]{1,27}$",
        max_length = 40,
        example = "dress-06e7bd4x0hzhhaf4jj6wgy9q0c"
    )]
    pub reference: String,
    #[schema(value_type = PaymentStatus)]
    pub status: String,
    #[schema(value_type = PaymentMethod)]
    pub method: String,
    /// The order's `total_minor`.
    #[schema(value_type = Amount)]
    pub amount_minor: i64,
}

/// Parses the routine's JSON. Its times are in the session's time zone.
fn order_from_json(json: serde_json::Value) -> Result<Order, crate::db::Failure> {
    let mut order: Order =
        serde_json::from_value(json).map_err(|error| crate::db::Failure::Internal(error.into()))?;
    order.expires_at = order.expires_at.to_offset(UtcOffset::UTC);
    order.expires_at_latest = order.expires_at_latest.to_offset(UtcOffset::UTC);
    order.server_time = order.server_time.to_offset(UtcOffset::UTC);
    Ok(order)
}
