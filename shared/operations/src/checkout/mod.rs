//! One shopper's attempt to buy a cart: begin (place or replace), read, extend, release.

pub mod begin;
pub mod cart;
pub mod extend;
pub mod read;
pub mod release;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

pub use begin::{Begin, BeginError, Begun, begin};
pub use cart::{Cart, CartError, Line};
pub use extend::{ExtendError, extend};
pub use read::read;
pub use release::{ReleaseError, release};

/// A checkout as its readers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checkout {
    /// The client's id.
    pub checkout_id: Uuid,
    pub customer: String,
    /// `open`, `ordered`, `paid`, `released` or `expired` (as soon as it is due, swept or not).
    pub status: String,
    /// The client's number of the cart.
    pub revision: i32,
    /// The cart, sorted by sku.
    pub lines: Vec<PricedLine>,
    /// The sum of the lines in minor units of `currency`.
    pub total_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// The end of its hold, by the database's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// The database's clock at the answer.
    #[serde(with = "time::serde::rfc3339")]
    pub server_time: OffsetDateTime,
}

/// One line of a cart, with the catalogue's price when its stock was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedLine {
    pub sku: String,
    pub quantity: i32,
    /// Price of one unit in minor units.
    pub price_minor: i64,
}

/// The sum of the lines. Prices and quantities are bounded by the schema: it can't overflow.
fn total_minor(lines: &[PricedLine]) -> i64 {
    lines
        .iter()
        .map(|line| i64::from(line.quantity) * line.price_minor)
        .sum()
}

/// A sku with too few units for a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shortage {
    pub sku: String,
    /// Requested units.
    pub requested: i32,
    /// Available units.
    pub available: i32,
}

/// A sku whose limit per customer a cart exceeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LimitReached {
    pub sku: String,
    /// Units that the customer may still buy.
    pub allowed: i32,
}

/// The answer `limit_reached` of a routine.
pub(crate) fn limits(row: &Row) -> Vec<LimitReached> {
    let skus: Vec<String> = row.get("o_refused_skus");
    let allowed: Vec<i32> = row.get("o_refused_available");
    skus.into_iter()
        .zip(allowed)
        .map(|(sku, allowed)| LimitReached { sku, allowed })
        .collect()
}

/// Reads the columns that checkout_read, checkout_extend and checkout_release have in common.
fn from_row(checkout_id: Uuid, row: &Row) -> Checkout {
    // Null when the holds of an old checkout are purged.
    let skus: Option<Vec<String>> = row.get("o_skus");
    let quantities: Option<Vec<i32>> = row.get("o_quantities");
    let prices: Option<Vec<i64>> = row.get("o_prices");
    let lines: Vec<_> = skus
        .into_iter()
        .flatten()
        .zip(quantities.into_iter().flatten())
        .zip(prices.into_iter().flatten())
        .map(|((sku, quantity), price_minor)| PricedLine {
            sku,
            quantity,
            price_minor,
        })
        .collect();
    Checkout {
        checkout_id,
        customer: row.get("o_customer"),
        status: row.get("o_status"),
        revision: row.get("o_revision"),
        total_minor: total_minor(&lines),
        lines,
        currency: row.get("o_currency"),
        expires_at: row.get("o_expires_at"),
        server_time: row.get("o_server_time"),
    }
}
