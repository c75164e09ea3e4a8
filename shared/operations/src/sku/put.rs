//! Creates or replaces a sku.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{Attributes, Entry};
use crate::db::{Database, from_json};
use crate::ids::{Shop, Sku};
use crate::object::not_null;
use crate::quantity::{Count, PriceMinor, Units};
use crate::refusals;
use crate::text::{Currency, Title};
use crate::utc::Utc;

/// All fields of a sku. A missing field has its default.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SkuPut)]
pub struct Put {
    pub title: Title,
    #[serde(default)]
    pub attributes: Attributes,
    /// The price of one unit, in the currency's minor unit.
    pub price_minor: PriceMinor,
    /// The currency that the caller means. It must be the shop's.
    #[serde(default, deserialize_with = "not_null")]
    pub currency: Option<Currency>,
    /// When its sale opens. Default: always open.
    #[serde(default, deserialize_with = "not_null")]
    pub sale_opens_at: Option<Utc>,
    /// When its sale closes. Default: never. Later than `sale_opens_at`.
    #[serde(default, deserialize_with = "not_null")]
    pub sale_closes_at: Option<Utc>,
    /// When its units leave, which makes it a departure. Default: it is none.
    #[serde(default, deserialize_with = "not_null")]
    pub departs_at: Option<Utc>,
    /// `low_stock` is true while `available` is at or below this.
    #[serde(default = "none")]
    #[schema(default = 0)]
    pub low_stock_threshold: Count,
    /// Units that one customer may have. Default: any number.
    #[serde(default, deserialize_with = "not_null")]
    pub limit_per_customer: Option<Units>,
    /// Whether it is off sale for good. Default: unchanged, so changing the title of a retired
    /// sku does not put it on sale again.
    #[serde(default, deserialize_with = "not_null")]
    pub retired: Option<bool>,
}

fn none() -> Count {
    Count::NONE
}

refusals! {
    /// Why a sku is refused.
    pub enum PutError {
        ClosesTooEarly => Said::invalid("sale_closes_at", "must be later than sale_opens_at");
        AttributesTooLong => Said::invalid(
            "attributes",
            "must be at most 131,072 bytes of JSON with its numbers written out (1e3 as 1000)",
        );
        UnknownShop => Said::not_found("shop");
        OtherCurrency => Said::invalid("currency", "is not the currency of the shop's prices");
    }
}

/// Creates the sku with an empty stock level, or replaces its fields. Returns whether it is new.
/// Locks: the sku, and its stock level if the low-stock threshold changes, which raises the level's
/// version.
///
/// # Errors
/// [`PutError`]; a refusal changes nothing.
pub async fn put(
    db: &Database,
    shop: &Shop,
    sku: &Sku,
    put: &Put,
) -> Result<(bool, Entry), PutError> {
    let row = db
        .call_one(
            "select * from holdfast.sku_put($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            &[
                &shop,
                &sku,
                &put.title,
                &put.attributes.to_value(),
                &put.price_minor,
                &put.low_stock_threshold,
                &put.sale_opens_at,
                &put.sale_closes_at,
                &put.limit_per_customer,
                &put.retired,
                &put.currency,
                &put.departs_at,
            ],
        )
        .await
        .map_err(|failure| match failure.constraint() {
            Some("sale_closes_after_it_opens") => PutError::ClosesTooEarly,
            Some("skus_shop_fkey") => PutError::UnknownShop,
            Some("sku_attributes_are_short") => PutError::AttributesTooLong,
            Some("sku_currency_is_the_shops") => PutError::OtherCurrency,
            // a number that jsonb can't write out
            _ if failure.is_out_of_range() => PutError::AttributesTooLong,
            _ => failure.into(),
        })?;
    let created = row.get::<_, &str>("o_outcome") == "created";
    Ok((created, from_json(row.get("o_sku"))?))
}
