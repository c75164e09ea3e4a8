//! Changes a booking: another party size, or another departure.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    BOOKING_NOT_ON_SALE, BOOKING_SHORT, BOOKING_UNKNOWN_SKU, DeskOrder, ORDER_ENDED,
    ORDER_NOT_OFFLINE, TOO_MANY_CHANGES,
};
use crate::checkout::{Cart, LIMIT_REACHED, LimitReached, Shortage, limits};
use crate::db::{Database, Failure};
use crate::ids::{Actor, CheckoutId, Shop, Sku};
use crate::quantity::Version;
use crate::refusal::Kind;
use crate::refusals;
use crate::stock::STOCK_FULL;

/// A change of a booking.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderAmend)]
pub struct Amend {
    /// The order's `version` that the dispatcher has seen.
    pub expected_version: Version,
    /// Every line that the party shall have afterwards. Lines of the same sku are merged. To
    /// remove all lines, cancel.
    pub lines: Cart,
}

/// A booking with these lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amended {
    /// Changed.
    Changed(DeskOrder),
    /// The booking already had these lines: nothing changed.
    Same(DeskOrder),
}

const ORDER_HAS_COUPON: Kind = Kind {
    status: 409,
    code: "order_has_coupon",
    title: "The order has a coupon",
    detail: "Its discount was computed for its present lines. Cancel the booking and book again.",
};
pub(super) const ORDER_STALE: Kind = Kind {
    status: 409,
    code: "order_stale",
    title: "The order has changed",
    detail: "Nothing was changed: the order's version is not the expected one. Look at `order`. \
             If the change is still right, send it again with this `version`.",
};

refusals! {
    /// Why a booking is not changed, in order of precedence.
    pub enum AmendError {
        NotFound => Said::not_found("booking");
        /// its payment goes through a gateway.
        NotOffline => ORDER_NOT_OFFLINE;
        /// it is cancelled, or its money has gone back.
        Ended => ORDER_ENDED;
        /// its discount was computed for the present lines. Cancel and book again.
        HasCoupon => ORDER_HAS_COUPON;
        /// it has another version now. `order` shows it.
        Stale(order: Box<DeskOrder>) => ORDER_STALE;
        /// it was changed 1,000 times.
        TooManyChanges => TOO_MANY_CHANGES;
        /// the shop does not have the skus listed in `skus`.
        UnknownSku(
            /// The complete list, not only the first one.
            #[schema(value_type = Vec<Sku>, min_items = 1, max_items = 50)]
            skus: Vec<String>
        ) => BOOKING_UNKNOWN_SKU;
        /// the party would get more of the skus listed in `skus`, which are not on sale.
        NotOnSale(
            /// The complete list, not only the first one.
            #[schema(value_type = Vec<Sku>, min_items = 1, max_items = 50)]
            skus: Vec<String>
        ) => BOOKING_NOT_ON_SALE;
        /// the party would have more units than the shop allows. `limits` says how many more it
        /// may have.
        LimitReached(
            /// Every sku with more units than the customer may have.
            #[schema(min_items = 1, max_items = 50)]
            limits: Vec<LimitReached>
        ) => LIMIT_REACHED;
        /// a sku would have too many units on hand again.
        StockFull => STOCK_FULL;
        /// at least one sku has too few units available. Nothing was changed.
        Shortage(
            /// Every sku that is short, with its available units.
            #[schema(min_items = 1, max_items = 50)]
            shortages: Vec<Shortage>
        ) => BOOKING_SHORT;
    }
}

/// Replaces a booking's lines, all or nothing. Additional units are sold, and missing ones are
/// given back, each with a movement. New skus have the catalogue's price; others keep theirs. The
/// total follows.
///
/// Locks: the checkout, the order, the payment, the customer's counts, then stock levels by sku.
/// The hot row is free before the flush. The answer comes after the flush.
///
/// # Errors
/// [`AmendError`]; a refusal changes nothing.
pub async fn amend(
    db: &Database,
    shop: &Shop,
    checkout_id: CheckoutId,
    actor: &Actor,
    amend: &Amend,
) -> Result<Amended, AmendError> {
    let (skus, quantities) = amend.lines.columns();
    let row = db
        .call_one(
            "call holdfast.order_amend($1, $2, $3, $4, $5, $6)",
            &[
                &shop,
                &checkout_id,
                &amend.expected_version,
                &actor,
                &skus,
                &quantities,
            ],
        )
        .await
        .map_err(|failure| match failure.constraint() {
            Some("stock_on_hand_is_sane") => AmendError::StockFull,
            _ => failure.into(),
        })?;
    let order = || DeskOrder::from_json(row.get("o_order"));
    let refused = || {
        row.get::<_, Option<Vec<String>>>("o_refused_skus")
            .unwrap_or_default()
    };
    match row.get("o_outcome") {
        "amended" => Ok(Amended::Changed(order()?)),
        "same" => Ok(Amended::Same(order()?)),
        "not_found" => Err(AmendError::NotFound),
        "not_offline" => Err(AmendError::NotOffline),
        "order_ended" => Err(AmendError::Ended),
        "order_has_coupon" => Err(AmendError::HasCoupon),
        "stale" => Err(AmendError::Stale(Box::new(order()?))),
        "too_many_changes" => Err(AmendError::TooManyChanges),
        "unknown_sku" => Err(AmendError::UnknownSku(refused())),
        "not_on_sale" => Err(AmendError::NotOnSale(refused())),
        "limit_reached" => Err(AmendError::LimitReached(limits(&row))),
        "shortage" => Err(AmendError::Shortage(
            amend
                .lines
                .shortages(refused(), row.get("o_refused_available")),
        )),
        other => Err(Failure::unknown_outcome("order_amend", other).into()),
    }
}
