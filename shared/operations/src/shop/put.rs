//! Creates or replaces a shop.

use serde::Deserialize;
use utoipa::ToSchema;

use super::Profile;
use crate::db::{Database, from_json};
use crate::ids::Shop;
use crate::object::not_null;
use crate::quantity::{HoldSeconds, Units};
use crate::refusals;
use crate::text::{Currency, ShopName, TimeZone};

/// All fields of a shop. A missing field has its default.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ShopPut)]
pub struct Put {
    pub name: ShopName,
    /// The currency of its prices, which never changes.
    pub currency: Currency,
    /// How long a new checkout holds stock, in seconds. At most `hold_s_max`.
    #[serde(default = "minutes_20")]
    #[schema(default = 1200)]
    pub hold_s_default: HoldSeconds,
    /// The longest hold that a checkout may ask for, in seconds.
    #[serde(default = "minutes_30")]
    #[schema(default = 1800)]
    pub hold_s_max: HoldSeconds,
    /// How long an order that waits for its payment holds stock, in seconds, until its gateway
    /// reports a try to pay. The shorter of this and `order_hold_s` counts. The hold of the
    /// checkout never gets shorter by ordering.
    #[serde(default = "minutes_15")]
    #[schema(default = 900)]
    pub order_hold_s_untried: HoldSeconds,
    /// How long an order that waits for its payment holds stock after that, in seconds since it
    /// was made.
    #[serde(default = "minutes_30")]
    #[schema(default = 1800)]
    pub order_hold_s: HoldSeconds,
    /// How many units one checkout of the storefront may hold. Staff may book more.
    #[serde(default = "units_100")]
    #[schema(default = 100)]
    pub units_per_cart_max: Units,
    /// How many units of one sku one checkout of the storefront may hold. Staff may book more.
    #[serde(default = "units_20")]
    #[schema(default = 20)]
    pub units_per_line_max: Units,
    /// How many checkouts of one customer may hold stock at a time. Default: any number.
    #[serde(default, deserialize_with = "not_null")]
    pub checkouts_per_customer_max: Option<Units>,
    /// Whether customers' names that differ only in case, padding or invisible characters count
    /// as one for limits. Say `false` if the names are ids in which case means something. A change
    /// counts from now on: what was counted stays counted under the name of that time.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub customers_folded: bool,
    /// Whether the storefront may sell with `payment_method` `offline`: without a payment. The
    /// deployment and the caller's token must allow it, too. Staff may always book.
    #[serde(default)]
    #[schema(default = false)]
    pub offline_allowed: bool,
    /// The time zone in which people read its times, by its name in the IANA list. Days of
    /// departures are days of this zone.
    #[serde(default = "utc")]
    #[schema(default = "UTC")]
    pub time_zone: TimeZone,
}

fn utc() -> TimeZone {
    TimeZone::utc()
}

fn minutes_15() -> HoldSeconds {
    HoldSeconds::MINUTES_15
}

fn units_100() -> Units {
    Units::OF_A_CART
}

fn units_20() -> Units {
    Units::OF_A_LINE
}

fn yes() -> bool {
    true
}

fn minutes_20() -> HoldSeconds {
    HoldSeconds::MINUTES_20
}

fn minutes_30() -> HoldSeconds {
    HoldSeconds::MINUTES_30
}

refusals! {
    /// Why a shop is refused.
    pub enum PutError {
        DefaultTooLong => Said::invalid("hold_s_default", "must be at most hold_s_max");
        CurrencyIsFinal => Said::invalid(
            "currency",
            "can't change once the shop exists: use another shop for another currency",
        );
        TimeZoneUnknown => Said::invalid(
            "time_zone",
            "is not known to the database: use a name of the IANA list, such as Asia/Kolkata",
        );
    }
}

/// Creates or replaces the shop. Returns whether it is new. Locks: the shop.
///
/// # Errors
/// [`PutError`]; a refusal changes nothing.
pub async fn put(db: &Database, shop: &Shop, put: &Put) -> Result<(bool, Profile), PutError> {
    if put.hold_s_default > put.hold_s_max {
        return Err(PutError::DefaultTooLong);
    }
    let row = db
        .call_one(
            "select * from holdfast.shop_put($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
             $13)",
            &[
                &shop,
                &put.name,
                &put.currency,
                &put.hold_s_default,
                &put.hold_s_max,
                &put.order_hold_s,
                &put.checkouts_per_customer_max,
                &put.order_hold_s_untried,
                &put.units_per_cart_max,
                &put.units_per_line_max,
                &put.customers_folded,
                &put.offline_allowed,
                &put.time_zone,
            ],
        )
        .await
        .map_err(|failure| match failure.constraint() {
            Some("shop_currency_is_final") => PutError::CurrencyIsFinal,
            Some("shop_time_zone_is_known") => PutError::TimeZoneUnknown,
            _ => failure.into(),
        })?;
    let created = row.get::<_, &str>("o_outcome") == "created";
    Ok((created, from_json(row.get("o_shop"))?))
}
