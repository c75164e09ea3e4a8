//! A request to hold a cart, and its answers.

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::{
    CHECKOUT_CONFLICT, CHECKOUT_ENDED, CHECKOUT_ORDERED, Cart, Checkout, LIMIT_REACHED,
    LimitReached, NOT_ON_SALE, PricedLine, SHORTAGE, Shortage, TOO_MANY_CHECKOUTS, UNKNOWN_SKU,
    hold_too_long, total_minor,
};
use crate::ids::{CheckoutId, Customer, Shop, Sku};
use crate::quantity::{HoldSeconds, Revision, Units};
use crate::refusal::Kind;
use crate::refusals;

/// A request to hold a cart.
#[derive(Debug, Clone)]
pub struct Begin {
    /// The shop. All skus of a cart belong to one shop.
    pub shop: Shop,
    /// The client's id of this checkout.
    pub checkout_id: CheckoutId,
    pub customer: Customer,
    /// The client's number of this cart. A replacement has a higher one.
    pub revision: Revision,
    /// How long to hold. `None`: the shop's default.
    pub hold: Option<HoldSeconds>,
    pub cart: Cart,
}

impl Begin {
    /// The request hash: SHA-256 over everything that was asked for. Requests with one hash are the
    /// same request.
    pub(super) fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.hold.map_or(0, HoldSeconds::get).to_be_bytes());
        for (sku, quantity) in self.cart.lines() {
            // a sku contains no NUL, so the end of a line is unambiguous
            hash.update(sku.as_str());
            hash.update([0]);
            hash.update(quantity.get().to_be_bytes());
        }
        hash.finalize().into()
    }
}

/// A cart that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Held for the first time.
    Placed(Checkout),
    /// Held in place of an earlier cart of this checkout.
    Replaced(Checkout),
    /// A retry: nothing changed.
    Same(Checkout),
}

const STALE_REVISION: Kind = Kind {
    status: 409,
    code: "stale_revision",
    title: "A newer cart is in place",
    detail: "This checkout already has a cart with a higher `revision`. Nothing was changed.",
};

const TOO_MANY_UNITS: Kind = Kind {
    status: 422,
    code: "too_many_units",
    title: "The cart is too large",
    detail: "Nothing is held: the cart has more units than this shop holds for one checkout, or \
             more of one sku.",
};

/// The bounds of a shop that a cart exceeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TooManyUnits {
    /// The units of the cart.
    #[schema(minimum = 1)]
    pub units: i64,
    /// The most units that this shop holds for one checkout.
    #[schema(value_type = Units)]
    pub units_per_cart_max: i32,
    /// The most units of one sku that this shop holds for one checkout.
    #[schema(value_type = Units)]
    pub units_per_line_max: i32,
    /// Every sku with more units than that.
    #[schema(value_type = Vec<Sku>, max_items = 50)]
    pub skus: Vec<String>,
}

impl TooManyUnits {
    fn sentence(&self) -> String {
        format!(
            "Nothing is held: the cart has {} units. This shop holds at most {} units for one \
             checkout, and at most {} of one sku.",
            self.units, self.units_per_cart_max, self.units_per_line_max
        )
    }
}

/// So often a checkout's cart is replaced at most. Each replacement leaves holds in the journal. If
/// too low, a shopper who changes their mind often must begin again; if too high, one id fills
/// the journal. `checkout_replace` refuses.
pub const REPLACEMENTS_MAX: i32 = 100;

const TOO_MANY_REPLACEMENTS: Kind = Kind {
    status: 409,
    code: "too_many_replacements",
    title: "The cart was replaced too often",
    detail: "A checkout's cart is replaced at most 100 times. The present cart stays held. To \
             change it, release the checkout and begin another one with a new id.",
};

refusals! {
    /// Why a cart is not held. In order of precedence.
    pub enum BeginError {
        UnknownShop => Said::not_found("shop");
        /// the id belongs to another customer, or this `revision` already has another cart.
        Conflict => CHECKOUT_CONFLICT;
        /// the checkout already has a higher `revision`.
        StaleRevision => STALE_REVISION;
        /// it was released, has expired or is paid. Begin a new one.
        Ended => CHECKOUT_ENDED;
        /// an order has frozen the cart.
        Ordered => CHECKOUT_ORDERED;
        HoldTooLong => hold_too_long();
        /// its cart was replaced 100 times. Release it and begin a new one.
        TooManyReplacements => TOO_MANY_REPLACEMENTS;
        /// the shop does not have the skus listed in `skus`.
        UnknownSku(
            /// The complete list, not only the first one.
            #[schema(value_type = Vec<Sku>, min_items = 1, max_items = 50)]
            skus: Vec<String>
        ) => UNKNOWN_SKU;
        /// the sale of the skus listed in `skus` has not opened, has closed, or they are retired.
        NotOnSale(
            /// The complete list, not only the first one.
            #[schema(value_type = Vec<Sku>, min_items = 1, max_items = 50)]
            skus: Vec<String>
        ) => NOT_ON_SALE;
        /// the cart has more units than the shop holds for one checkout, or more of the skus listed
        /// in `skus`. A cart that is held may keep as many units as it has.
        TooManyUnits(all: TooManyUnits) => TOO_MANY_UNITS, all.sentence();
        /// at least one sku has too few units available. Nothing was held or released.
        Shortage(
            /// Every sku that is short, with its available units.
            #[schema(min_items = 1, max_items = 50)]
            shortages: Vec<Shortage>
        ) => SHORTAGE;
        /// the customer already holds stock with as many checkouts as the shop allows.
        TooManyCheckouts => TOO_MANY_CHECKOUTS;
        /// the customer would have more units than the shop allows. `limits` says how many more
        /// they may have.
        LimitReached(
            /// Every sku with more units than the customer may have.
            #[schema(min_items = 1, max_items = 50)]
            limits: Vec<LimitReached>
        ) => LIMIT_REACHED;
    }
}

/// What the database says of a cart that is held.
pub(super) struct Held {
    pub(super) status: String,
    /// One for each line.
    pub(super) prices: Vec<i64>,
    pub(super) currency: String,
    pub(super) expires_at: OffsetDateTime,
    pub(super) server_time: OffsetDateTime,
}

impl Held {
    /// The checkout of a request.
    pub(super) fn of(self, request: &Begin) -> Checkout {
        let lines: Vec<_> = request
            .cart
            .lines()
            .zip(self.prices)
            .map(|((sku, quantity), price_minor)| PricedLine {
                sku: sku.to_string(),
                quantity: quantity.get(),
                price_minor,
            })
            .collect();
        Checkout {
            checkout_id: *request.checkout_id.as_uuid(),
            customer: request.customer.to_string(),
            status: self.status,
            revision: request.revision.get(),
            total_minor: total_minor(&lines),
            lines,
            currency: self.currency,
            expires_at: self.expires_at,
            server_time: self.server_time,
        }
    }
}
