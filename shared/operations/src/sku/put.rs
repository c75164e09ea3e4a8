//! Creates or replaces a sku.

use super::{Attributes, Entry};
use crate::db::{Database, Failure, from_json};
use crate::ids::{Shop, Sku};
use crate::quantity::{Count, PriceMinor, Units};
use crate::text::{Currency, Title};
use crate::utc::Utc;

/// All fields of a sku. A missing field has its default.
#[derive(Debug, Clone)]
pub struct Put {
    pub shop: Shop,
    pub sku: Sku,
    pub title: Title,
    /// Colour, size, date and the like.
    pub attributes: Attributes,
    /// Price of one unit.
    pub price_minor: PriceMinor,
    /// The currency of the price. It must be the shop's.
    pub currency: Option<Currency>,
    /// The beginning of its sale.
    pub sale_opens_at: Option<Utc>,
    /// The end of its sale.
    pub sale_closes_at: Option<Utc>,
    /// The sku is shown as low at or below this number of available units.
    pub low_stock_threshold: Count,
    /// Units that one customer may buy.
    pub limit_per_customer: Option<Units>,
    /// Whether it is retired. `None`: unchanged.
    pub retired: Option<bool>,
}

/// Why a sku is refused.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    #[error("there is no such shop")]
    UnknownShop,
    #[error("the shop's prices are in another currency")]
    OtherCurrency,
    #[error(transparent)]
    Failure(Failure),
}

impl From<Failure> for PutError {
    fn from(failure: Failure) -> Self {
        match failure.constraint() {
            Some("skus_shop_fkey") => Self::UnknownShop,
            Some("sku_currency_is_the_shops") => Self::OtherCurrency,
            _ => Self::Failure(failure),
        }
    }
}

/// Creates the sku with an empty stock level, or replaces its fields. Returns whether it is new.
/// Locks: the sku, and its stock level if the low-stock threshold changes, which raises the level's
/// version.
///
/// # Errors
/// [`PutError`]; a refusal changes nothing.
pub async fn put(db: &Database, put: &Put) -> Result<(bool, Entry), PutError> {
    let row = db
        .call_one(
            "select * from holdfast.sku_put($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            &[
                &put.shop,
                &put.sku,
                &put.title,
                &put.attributes.to_value(),
                &put.price_minor,
                &put.low_stock_threshold,
                &put.sale_opens_at,
                &put.sale_closes_at,
                &put.limit_per_customer,
                &put.retired,
                &put.currency,
            ],
        )
        .await?;
    let created = row.get::<_, &str>("o_outcome") == "created";
    Ok((created, from_json(row.get("o_sku"))?))
}
