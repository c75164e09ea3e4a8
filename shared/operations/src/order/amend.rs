//! Changes a booking: another party size, or another departure.

use tokio_postgres::types::Type;

use super::DeskOrder;
use crate::checkout::{Cart, LimitReached, Shortage, limits};
use crate::db::{Database, Failure};
use crate::ids::{Actor, CheckoutId, Shop};

/// What a dispatcher changes.
#[derive(Debug, Clone)]
pub struct Amend {
    /// The shop.
    pub shop: Shop,
    /// The booking.
    pub checkout_id: CheckoutId,
    /// The version of the order that the dispatcher has seen.
    pub expected_version: i64,
    /// The dispatcher.
    pub actor: Actor,
    /// The new whole: every line that the party has afterwards.
    pub cart: Cart,
}

/// A booking with these lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amended {
    /// Changed now.
    Changed(DeskOrder),
    /// It had these lines already: nothing changed.
    Same(DeskOrder),
}

/// Why nothing is changed. In order of precedence.
#[derive(Debug, thiserror::Error)]
pub enum AmendError {
    /// There is no such booking.
    #[error("there is no such booking")]
    NotFound,
    /// It was paid, or is to be paid, through a gateway.
    #[error("this order was not paid at the desk")]
    NotOffline,
    /// Cancelled, or its money has gone back.
    #[error("this order has ended")]
    Ended,
    /// A coupon's discount belongs to the order as it was.
    #[error("this order has a coupon")]
    HasCoupon,
    /// Somebody else changed it since: the order as it is now.
    #[error("this order has another version now")]
    Stale(Box<DeskOrder>),
    /// Not in the catalogue: all of them.
    #[error("not in the catalogue")]
    UnknownSku(Vec<String>),
    /// The party would get more of it, and it is not on sale: all of them.
    #[error("not on sale")]
    NotOnSale(Vec<String>),
    /// More than one customer may have: every sku of which it is too much.
    #[error("the customer's limit is reached")]
    LimitReached(Vec<LimitReached>),
    /// Too few seats: every shortage. `available` counts the seats that the party has.
    #[error("not enough stock")]
    Shortage(Vec<Shortage>),
    /// Could not decide.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Sets a booking's lines to a new whole, all of it or nothing: what is more is sold, what is less
/// is given back, each with its movement. New skus have the catalogue's price, kept ones keep
/// theirs; the total follows.
///
/// Locks: the checkout, the order, the payment, the customer's counts, then stock levels by sku.
/// The hot row's lock is free before the answer is flushed; the answer comes after the flush.
///
/// # Errors
/// [`AmendError`]; a refusal changes nothing.
pub async fn amend(db: &Database, request: &Amend) -> Result<Amended, AmendError> {
    let (skus, quantities) = request.cart.columns();
    let row = db
        .call_one(
            "call holdfast.order_amend($1, $2, $3, $4, $5, $6)",
            &[
                (&request.shop.as_str(), Type::TEXT),
                (request.checkout_id.as_uuid(), Type::UUID),
                (&request.expected_version, Type::INT8),
                (&request.actor.as_str(), Type::TEXT),
                (&skus, Type::TEXT_ARRAY),
                (&quantities, Type::INT4_ARRAY),
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
