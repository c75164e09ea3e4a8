//! Skus: put, read, list, retire, export, manifest.

pub mod attributes;
pub mod columns;
pub mod export;
pub mod list;
pub mod manifest;
pub mod put;
pub mod read;
pub mod retire;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::stock::Level;
use crate::utc::Utc;

pub use attributes::{Attributes, InvalidAttributes};
pub use export::{Exported, export};
pub use list::list;
pub use manifest::{Manifest, Seat, manifest};
pub use put::{Put, PutError, put};
pub use read::read;
pub use retire::retire;

/// A sku with its stock level. The database writes it as JSON of this shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub sku: String,
    pub title: String,
    /// Colour, size, date and the like.
    pub attributes: Map<String, Value>,
    /// Price of one unit in minor units of `currency`.
    pub price_minor: i64,
    /// ISO 4217: the shop's.
    pub currency: String,
    /// The beginning of its sale. `None`: no beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sale_opens_at: Option<Utc>,
    /// The end of its sale. `None`: no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sale_closes_at: Option<Utc>,
    /// The sku is shown as low at or below this number of available units.
    pub low_stock_threshold: i32,
    /// Units that one customer may buy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_per_customer: Option<i32>,
    /// When it was retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<Utc>,
    pub created_at: Utc,
    /// The counters.
    pub stock: Level,
}
