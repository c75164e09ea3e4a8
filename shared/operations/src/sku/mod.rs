//! Skus: put, read, list, find, close, retire, export, manifest.

pub mod attributes;
pub mod close;
pub mod columns;
pub mod export;
pub mod find;
pub mod list;
pub mod manifest;
pub mod put;
pub mod read;
pub mod retire;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::ids::{Actor, Sku};
use crate::page::ListRow;
use crate::quantity::{Amount, Count, Units};
use crate::stock::Level;
use crate::text::{Currency, Title};
use crate::utc::Utc;

pub use attributes::{Attributes, InvalidAttributes};
pub use close::{CloseError, close};
pub use export::{Exported, export};
pub use find::{FoundSkus, find};
pub use list::list;
pub use manifest::{Manifest, Seat, manifest};
pub use put::{Put, PutError, put};
pub use read::read;
pub use retire::retire;

/// A sku with its stock level.
// The database writes it as JSON of this shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SkuEntry)]
pub struct Entry {
    #[schema(value_type = Sku)]
    pub sku: String,
    #[schema(value_type = Title)]
    pub title: String,
    #[schema(value_type = Attributes)]
    pub attributes: Map<String, Value>,
    /// The price of one unit, in minor units of `currency`.
    #[schema(value_type = Amount)]
    pub price_minor: i64,
    /// The shop's.
    #[schema(value_type = Currency)]
    pub currency: String,
    /// When its sale opens. Missing if it is always open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sale_opens_at: Option<Utc>,
    /// When its sale closes. Missing if it never closes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sale_closes_at: Option<Utc>,
    /// Who ended its sale by hand. Missing if nobody did, or if its times were edited since.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Actor>)]
    pub sale_closed_by: Option<String>,
    /// When its units leave: it is a departure. Missing if it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub departs_at: Option<Utc>,
    /// `low_stock` is true while `available` is at or below this.
    #[schema(value_type = Count)]
    pub low_stock_threshold: i32,
    /// Units that one customer may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Units>)]
    pub limit_per_customer: Option<i32>,
    /// Since when it is off sale for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<Utc>,
    pub created_at: Utc,
    pub stock: Level,
}

impl ListRow for Entry {
    const ROWS: &'static str = "skus";
}
