//! Creates or replaces a shop.

use super::Profile;
use crate::db::{Database, Failure, from_json};
use crate::ids::Shop;
use crate::quantity::{HoldSeconds, Units};
use crate::text::{Currency, ShopName};

/// All fields of a shop. A missing field has its default.
#[derive(Debug, Clone)]
pub struct Put {
    pub shop: Shop,
    pub name: ShopName,
    /// The currency of its prices, which never changes.
    pub currency: Currency,
    /// How long a new checkout holds stock; at most `hold_s_max`.
    pub hold_s_default: HoldSeconds,
    /// The longest that a checkout may ask for.
    pub hold_s_max: HoldSeconds,
    /// How long an order that awaits its payment holds stock.
    pub order_hold_s: HoldSeconds,
    /// How many checkouts of one customer may hold stock at a time.
    pub checkouts_per_customer_max: Option<Units>,
}

/// Why a shop is refused.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    #[error("the currency of a shop does not change")]
    CurrencyIsFinal,
    #[error(transparent)]
    Failure(Failure),
}

impl From<Failure> for PutError {
    fn from(failure: Failure) -> Self {
        match failure.constraint() {
            Some("shop_currency_is_final") => Self::CurrencyIsFinal,
            _ => Self::Failure(failure),
        }
    }
}

/// Creates or replaces the shop. Returns whether it is new. Locks: the shop.
///
/// # Errors
/// [`PutError`]; a refusal changes nothing.
pub async fn put(db: &Database, put: &Put) -> Result<(bool, Profile), PutError> {
    let row = db
        .call_one(
            "select * from holdfast.shop_put($1, $2, $3, $4, $5, $6, $7)",
            &[
                &put.shop,
                &put.name,
                &put.currency,
                &put.hold_s_default,
                &put.hold_s_max,
                &put.order_hold_s,
                &put.checkouts_per_customer_max,
            ],
        )
        .await?;
    let created = row.get::<_, &str>("o_outcome") == "created";
    Ok((created, from_json(row.get("o_shop"))?))
}
