//! One shopper's attempt to buy a cart: begin (place or replace), read, extend, release, revoke.

pub mod begin;
pub mod begin_many;
pub mod cart;
pub mod extend;
pub mod read;
pub mod release;
mod request;
pub mod revoke;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio_postgres::Row;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::ids::{CheckoutId, Customer, Sku};
use crate::quantity::{Amount, Count, OnHand, Quantity, Revision};
use crate::refusal::{Kind, Said};
use crate::text::{Currency, one_of};

pub use begin::begin;
pub use begin_many::begin_many;
pub use cart::{Cart, CartError, Line};
pub use extend::{ExtendError, extend};
pub use read::read;
pub use release::{ReleaseError, release};
pub use request::{Begin, BeginError, Begun, REPLACEMENTS_MAX, TooManyUnits};
pub use revoke::{Revoke, RevokeError, revoke};

/// The checkout was released, has expired, or is paid.
pub const CHECKOUT_ENDED: Kind = Kind {
    status: 409,
    code: "checkout_ended",
    title: "The checkout has ended",
    detail: "It was released, has expired, or is paid. Begin a new one with a new id.",
};
/// An order has frozen the cart.
pub const CHECKOUT_ORDERED: Kind = Kind {
    status: 409,
    code: "checkout_ordered",
    title: "The checkout has an order",
    detail: "Its order has frozen the cart. Release the checkout to cancel the order.",
};
/// The id belongs to another request.
pub const CHECKOUT_CONFLICT: Kind = Kind {
    status: 409,
    code: "checkout_conflict",
    title: "The checkout id is in use",
    detail: "This id and revision belong to another request. To replace the cart, send a higher \
             `revision`. To begin another checkout, use a new id.",
};
/// It is sold.
const CHECKOUT_PAID: Kind = Kind {
    status: 409,
    code: "checkout_paid",
    title: "The checkout is paid",
    detail: "Its stock is sold. Use a refund for goods that come back.",
};
/// At least one line is short.
pub const SHORTAGE: Kind = Kind {
    status: 409,
    code: "shortage",
    title: "Not enough stock",
    detail: "Nothing is held: a cart is held as a whole or not at all. `shortages` lists every \
             line that is short.",
};
/// The customer has as many checkouts as the shop allows.
pub const TOO_MANY_CHECKOUTS: Kind = Kind {
    status: 409,
    code: "too_many_checkouts",
    title: "Too many checkouts",
    detail: "This customer already has as many checkouts as the shop allows at once. Order or \
             release one.",
};
/// The customer would have more units than the shop allows.
pub const LIMIT_REACHED: Kind = Kind {
    status: 409,
    code: "limit_reached",
    title: "The customer's limit is reached",
    detail: "With the units that this customer holds and has bought, they would have more than the \
             shop allows. `limits` lists these skus, and how many more units the customer may \
             have.",
};
/// The shop does not have the sku.
pub const UNKNOWN_SKU: Kind = Kind {
    status: 422,
    code: "unknown_sku",
    title: "Not in the catalogue",
    detail: "Nothing is held: the shop's catalogue does not have the skus in `skus`.",
};
/// The sku is not on sale now.
pub const NOT_ON_SALE: Kind = Kind {
    status: 422,
    code: "not_on_sale",
    title: "Not on sale",
    detail: "Nothing is held: the skus in `skus` are not on sale now.",
};

/// The hold that was asked for is longer than the shop allows.
fn hold_too_long() -> Said {
    Said::invalid("hold_s", "is longer than this shop's maximum")
}

/// A checkout as its readers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Checkout {
    /// The client's id.
    #[schema(value_type = CheckoutId)]
    pub checkout_id: Uuid,
    #[schema(value_type = Customer)]
    pub customer: String,
    #[schema(value_type = CheckoutStatus)]
    pub status: String,
    /// The client's number of the cart.
    #[schema(value_type = Revision)]
    pub revision: i32,
    /// The cart, one line per sku, sorted by sku. Empty if the checkout ended more than 30 days
    /// ago: its order still has the bought lines.
    #[schema(max_items = 50)]
    pub lines: Vec<PricedLine>,
    /// The sum of the lines, before a coupon.
    #[schema(value_type = Amount)]
    pub total_minor: i64,
    #[schema(value_type = Currency)]
    pub currency: String,
    /// The stock is held until then.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(example = "2026-11-21T04:50:00Z")]
    pub expires_at: OffsetDateTime,
    /// The database's clock when it decided. `expires_at` uses the same clock.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(example = "2026-11-21T04:30:00Z")]
    pub server_time: OffsetDateTime,
}

one_of!(
    /// - `open`: the cart is held.
    /// - `ordered`: it has an order, which waits for its payment.
    /// - `paid`: sold.
    /// - `released`: given back by the shopper, or ended by the shop.
    /// - `expired`: ended by time, swept or not.
    CheckoutStatus, "open", "ordered", "paid", "released", "expired"
);

/// One line of a cart, with the catalogue's price when its stock was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PricedLine {
    #[schema(value_type = Sku)]
    pub sku: String,
    #[schema(value_type = Quantity)]
    pub quantity: i32,
    /// The catalogue's price of one unit when the hold was placed. It stays until the cart is
    /// replaced.
    #[schema(value_type = Amount)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Shortage {
    #[schema(value_type = Sku)]
    pub sku: String,
    /// Requested units.
    #[schema(value_type = Quantity)]
    pub requested: i32,
    /// Units that this shopper could have now, including the ones they already hold.
    #[schema(value_type = OnHand)]
    pub available: i32,
}

/// A sku whose limit per customer a cart exceeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitReached {
    #[schema(value_type = Sku)]
    pub sku: String,
    /// Units that this customer may still have, besides the held and bought ones.
    #[schema(value_type = Count)]
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

/// Reads the columns that checkout_read, checkout_extend, checkout_release and checkout_revoke have
/// in common.
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
