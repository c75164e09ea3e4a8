//! How many units of many skus could be bought now: a courtesy that reads fast, never a guarantee.

use serde::Serialize;
use time::OffsetDateTime;
use tokio_postgres::types::Type;

use crate::db::{Database, Failure};
use crate::ids::{Shop, Sku};

/// Skus in one question at most.
pub const SKUS_MAX: usize = 100;

/// What a storefront shows beside one sku.
#[derive(Debug, Clone, Serialize)]
pub struct SkuAvailability {
    /// The sku's code.
    pub sku: String,
    /// Its name for people.
    pub title: String,
    /// Colour, size, date and the like.
    pub attributes: serde_json::Value,
    /// Price of one unit in minor units of `currency`.
    pub price_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// `on_hand - held`, never below zero.
    pub available: i32,
    /// At or below the sku's threshold.
    pub low_stock: bool,
    /// Not retired, and within its sale times.
    pub on_sale: bool,
}

/// The answer about many skus.
#[derive(Debug, Clone, Serialize)]
pub struct Availability {
    /// Those in the catalogue, sorted by code.
    pub skus: Vec<SkuAvailability>,
    /// Those that are not, as asked.
    pub unknown: Vec<Sku>,
    /// The database's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub server_time: OffsetDateTime,
}

/// Looks up to [`SKUS_MAX`] skus up. An unknown shop knows no sku. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn availability(
    db: &Database,
    shop: &Shop,
    skus: &[Sku],
) -> Result<Availability, Failure> {
    let codes: Vec<&str> = skus.iter().map(Sku::as_str).collect();
    let rows = db
        .call(
            "select * from holdfast.stock_availability($1, $2)",
            &[(&shop.as_str(), Type::TEXT), (&codes, Type::TEXT_ARRAY)],
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
