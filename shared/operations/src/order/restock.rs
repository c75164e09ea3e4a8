//! Puts units of a sold order back on the shelf.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::DeskOrder;
use crate::checkout::Cart;
use crate::db::{Database, Failure};
use crate::ids::{Actor, OrderId, ReturnId, Shop};
use crate::text::Note;

/// A return of goods.
#[derive(Debug, Clone)]
pub struct Restock {
    pub shop: Shop,
    pub order_id: OrderId,
    /// The client's id of this return: the idempotency key.
    pub return_id: ReturnId,
    pub actor: Actor,
    /// Why, in the clerk's own words.
    pub note: Option<Note>,
    pub cart: Cart,
}

impl Restock {
    /// The request hash: SHA-256 over everything that was asked for. Requests with one hash are the
    /// same request.
    fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        // neither a note nor a sku contains a NUL, so their ends are unambiguous
        hash.update(self.note.as_ref().map_or("", Note::as_str));
        hash.update([0]);
        for (sku, quantity) in self.cart.lines() {
            hash.update(sku.as_str());
            hash.update([0]);
            hash.update(quantity.get().to_be_bytes());
        }
        hash.finalize().into()
    }
}

/// A recorded return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restocked {
    /// Recorded by this call.
    New(DeskOrder),
    /// A retry: nothing changed. The current order.
    Same(DeskOrder),
}

/// A line with more units than can come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Excess {
    pub sku: String,
    /// Requested units.
    pub requested: i32,
    /// Units that can come back.
    pub returnable: i32,
}

/// Why nothing is put back, in order of precedence.
#[derive(Debug, thiserror::Error)]
pub enum RestockError {
    #[error("there is no such order")]
    NotFound,
    #[error("this return id is in use for another request")]
    Conflict,
    #[error("this order sold nothing")]
    NotSold,
    #[error("more than was sold")]
    TooMany(Vec<Excess>),
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Puts units of a sold order back: all lines or none, and never more than were sold. Money does
/// not change. A retry has no second effect.
///
/// Locks: the checkout, the order, the payment, the return's id, the customer's counts, then stock
/// levels by sku.
///
/// # Errors
/// [`RestockError`]; a refusal changes nothing.
pub async fn restock(db: &Database, request: &Restock) -> Result<Restocked, RestockError> {
    let (skus, quantities) = request.cart.columns();
    let row = db
        .call_one(
            "select * from holdfast.order_restock($1, $2, $3, $4, $5, $6, $7, $8)",
            &[
                &request.shop,
                &request.order_id,
                &request.return_id,
                &request.hash().as_slice(),
                &request.actor,
                &request.note,
                &skus,
                &quantities,
            ],
        )
        .await?;
    match row.get("o_outcome") {
        "restocked" => Ok(Restocked::New(DeskOrder::from_json(row.get("o_order"))?)),
        "same" => Ok(Restocked::Same(DeskOrder::from_json(row.get("o_order"))?)),
        "not_found" => Err(RestockError::NotFound),
        "return_conflict" => Err(RestockError::Conflict),
        "not_sold" => Err(RestockError::NotSold),
        "too_many" => {
            let refused = request
                .cart
                .shortages(row.get("o_refused_skus"), row.get("o_refused_returnable"));
            let excess = |line: crate::checkout::Shortage| Excess {
                sku: line.sku,
                requested: line.requested,
                returnable: line.available,
            };
            Err(RestockError::TooMany(
                refused.into_iter().map(excess).collect(),
            ))
        }
        other => Err(Failure::unknown_outcome("order_restock", other).into()),
    }
}
