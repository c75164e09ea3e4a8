//! Changes a booking: another party size, or another departure.

use super::DeskOrder;
use crate::checkout::{Cart, LimitReached, Shortage, limits};
use crate::db::{Database, Failure};
use crate::ids::{Actor, CheckoutId, Shop};

/// A change of a booking.
#[derive(Debug, Clone)]
pub struct Amend {
    pub shop: Shop,
    /// The booking.
    pub checkout_id: CheckoutId,
    /// The version of the order that the dispatcher saw.
    pub expected_version: i64,
    pub actor: Actor,
    /// The new cart: every line that the party has afterwards.
    pub cart: Cart,
}

/// A booking with these lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amended {
    /// Changed.
    Changed(DeskOrder),
    /// The booking already had these lines: nothing changed.
    Same(DeskOrder),
}

/// Why a booking is not changed, in order of precedence.
#[derive(Debug, thiserror::Error)]
pub enum AmendError {
    #[error("there is no such booking")]
    NotFound,
    #[error("this order was not paid at the desk")]
    NotOffline,
    #[error("this order has ended")]
    Ended,
    #[error("this order has a coupon")]
    HasCoupon,
    #[error("this order has another version now")]
    Stale(Box<DeskOrder>),
    #[error("not in the catalogue")]
    UnknownSku(Vec<String>),
    #[error("not on sale")]
    NotOnSale(Vec<String>),
    #[error("the customer's limit is reached")]
    LimitReached(Vec<LimitReached>),
    #[error("not enough stock")]
    Shortage(Vec<Shortage>),
    #[error(transparent)]
    Failure(#[from] Failure),
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
pub async fn amend(db: &Database, request: &Amend) -> Result<Amended, AmendError> {
    let (skus, quantities) = request.cart.columns();
    let row = db
        .call_one(
            "call holdfast.order_amend($1, $2, $3, $4, $5, $6)",
            &[
                &request.shop,
                &request.checkout_id,
                &request.expected_version,
                &request.actor,
                &skus,
                &quantities,
            ],
        )
        .await?;
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
        "unknown_sku" => Err(AmendError::UnknownSku(refused())),
        "not_on_sale" => Err(AmendError::NotOnSale(refused())),
        "limit_reached" => Err(AmendError::LimitReached(limits(&row))),
        "shortage" => Err(AmendError::Shortage(
            request
                .cart
                .shortages(refused(), row.get("o_refused_available")),
        )),
        other => Err(Failure::unknown_outcome("order_amend", other).into()),
    }
}
