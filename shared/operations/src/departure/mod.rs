//! Departures: skus whose units are seats that leave at one time. List, near.

pub mod list;
pub mod near;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::ids::Sku;
use crate::quantity::{Amount, OnHand};
use crate::sku::Attributes;
use crate::text::{Currency, Title};
use crate::utc::Utc;

pub use list::{Departures, Filter, list};
pub use near::{Near, Neighbour, near};

/// A departure with its seats.
// The database writes it as JSON of this shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Departure {
    #[schema(value_type = Sku)]
    pub sku: String,
    /// Departures of one line have the same title.
    #[schema(value_type = Title)]
    pub title: String,
    #[schema(value_type = Attributes)]
    pub attributes: Map<String, Value>,
    /// The price of one seat, in minor units of `currency`.
    #[schema(value_type = Amount)]
    pub price_minor: i64,
    #[schema(value_type = Currency)]
    pub currency: String,
    pub departs_at: Utc,
    /// The same on the shop's clock, without an offset.
    #[schema(
        pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$",
        max_length = 19,
        example = "2026-12-24T06:30:00"
    )]
    pub local_time: String,
    /// When its sale closes. Missing if it never closes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sale_closes_at: Option<Utc>,
    /// Whether it can be booked now, if seats are free.
    pub on_sale: bool,
    /// Seats that are not sold, including held ones.
    #[schema(value_type = OnHand)]
    pub on_hand: i32,
    /// Held seats.
    #[schema(value_type = OnHand)]
    pub held: i32,
    /// Free seats: `on_hand` minus `held`.
    #[schema(value_type = OnHand)]
    pub available: i32,
    /// Sold seats that have not come back.
    #[schema(minimum = 0)]
    pub sold: i64,
}
