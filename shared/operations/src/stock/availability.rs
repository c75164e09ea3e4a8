//! The available units of many skus: a fast courtesy, never a guarantee.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::db::{Database, Failure};
use crate::ids::{Shop, Sku};
use crate::quantity::{Amount, OnHand};
use crate::text::Currency;

/// Skus of one call.
pub const SKUS_MAX: usize = 100;

/// The availability of one sku.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SkuAvailability {
    #[schema(value_type = Sku)]
    pub sku: String,
    pub title: String,
    /// Facts about the sku, such as colour and size, in the shop's own form.
    #[schema(value_type = Object)]
    pub attributes: serde_json::Value,
    /// The present price of one unit, in minor units of `currency`.
    #[schema(value_type = Amount)]
    pub price_minor: i64,
    #[schema(value_type = Currency)]
    pub currency: String,
    /// Units that nobody holds.
    #[schema(value_type = OnHand)]
    pub available: i32,
    /// Whether `available` is at or below the shop's threshold for the sku.
    pub low_stock: bool,
    /// Whether it is on sale: not retired, and within its sale times. If not, a checkout is
    /// refused.
    pub on_sale: bool,
}

/// The availability of many skus.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Availability {
    /// The known skus, sorted by code.
    #[schema(max_items = 100)]
    pub skus: Vec<SkuAvailability>,
    /// Requested skus that the shop does not have.
    #[schema(max_items = 100)]
    pub unknown: Vec<Sku>,
    /// The database's clock.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(example = "2026-11-21T04:30:00Z")]
    pub server_time: OffsetDateTime,
}

/// Reads the availability of up to [`SKUS_MAX`] skus. An unknown shop knows no sku. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn availability(
    db: &Database,
    shop: &Shop,
    skus: &[Sku],
) -> Result<Availability, Failure> {
    let rows = db
        .call(
            "select * from holdfast.stock_availability($1, $2)",
            &[&shop, &skus],
        )
        .await?;
    let known: Vec<SkuAvailability> = rows
        .iter()
        .filter_map(|row| Some((row.get::<_, Option<String>>("o_sku")?, row)))
        .map(|(sku, row)| SkuAvailability {
            sku,
            title: row.get("o_title"),
            attributes: row.get("o_attributes"),
            price_minor: row.get("o_price_minor"),
            currency: row.get("o_currency"),
            available: row.get("o_available"),
            low_stock: row.get("o_low_stock"),
            on_sale: row.get("o_on_sale"),
        })
        .collect();
    let first = rows
        .first()
        .ok_or_else(|| Failure::Internal("stock_availability answered no row".into()))?;
    let server_time = first.get("o_server_time");
    let unknown = skus
        .iter()
        .filter(|sku| !known.iter().any(|found| found.sku == sku.as_str()))
        .cloned()
        .collect();
    Ok(Availability {
        skus: known,
        unknown,
        server_time,
    })
}
