//! Puts units of a sold order back on the shelf.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::{DeskOrder, TOO_MANY_CHANGES};
use crate::checkout::{Cart, Shortage};
use crate::db::{Database, Failure};
use crate::ids::{Actor, OrderId, ReturnId, Shop, Sku};
use crate::object::not_null;
use crate::quantity::{Count, Quantity};
use crate::refusal::Kind;
use crate::refusals;
use crate::stock::STOCK_FULL;
use crate::text::Note;

/// A return of goods.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderRestock)]
pub struct Restock {
    /// A UUID that the caller makes for this return. It is the idempotency key.
    pub return_id: ReturnId,
    /// The returned goods. Lines of the same sku are merged.
    pub lines: Cart,
    /// The clerk's own words, for the ledger.
    #[serde(default, deserialize_with = "not_null")]
    pub note: Option<Note>,
}

impl Restock {
    /// The request hash: SHA-256 over everything that was asked for. Requests with one hash are the
    /// same request.
    fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        // neither a note nor a sku contains a NUL, so their ends are unambiguous
        hash.update(self.note.as_ref().map_or("", Note::as_str));
        hash.update([0]);
        for (sku, quantity) in self.lines.lines() {
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ReturnExcess)]
pub struct Excess {
    #[schema(value_type = Sku)]
    pub sku: String,
    /// Requested units.
    #[schema(value_type = Quantity)]
    pub requested: i32,
    /// Sold units that have not come back.
    #[schema(value_type = Count)]
    pub returnable: i32,
}

impl From<Shortage> for Excess {
    fn from(line: Shortage) -> Self {
        Self {
            sku: line.sku,
            requested: line.requested,
            returnable: line.available,
        }
    }
}

/// The id belongs to another return of goods.
pub(crate) const RETURN_CONFLICT: Kind = Kind {
    status: 409,
    code: "return_conflict",
    title: "The return id is in use",
    detail: "This id belongs to another return. To put more back, use a new id.",
};
/// The order's stock was never deducted.
pub(crate) const ORDER_NOT_SOLD: Kind = Kind {
    status: 409,
    code: "order_not_sold",
    title: "The order sold nothing",
    detail: "Its stock was never deducted, so nothing can come back.",
};
/// More units than can come back.
pub(crate) const MORE_THAN_SOLD: Kind = Kind {
    status: 409,
    code: "more_than_sold",
    title: "More than was sold",
    detail: "Nothing was put back. `excess` lists every line with more units than were sold and \
             have not come back.",
};

refusals! {
    /// Why nothing is put back, in order of precedence.
    pub enum RestockError {
        NotFound => Said::not_found("order");
        /// the `return_id` belongs to another return.
        Conflict => RETURN_CONFLICT;
        /// its stock was never deducted.
        NotSold => ORDER_NOT_SOLD;
        /// a sku would have too many units on hand again.
        StockFull => STOCK_FULL;
        /// it was changed 1,000 times.
        TooManyChanges => TOO_MANY_CHANGES;
        /// the lines listed in `excess` have more units than were sold and have not come back.
        TooMany(
            /// Every line with too many units.
            #[schema(min_items = 1, max_items = 50)]
            excess: Vec<Excess>
        ) => MORE_THAN_SOLD;
    }
}

/// Puts units of a sold order back: all lines or none, and never more than were sold. Money does
/// not change. A retry has no second effect.
///
/// Locks: the checkout, the order, the payment, the return's id, the customer's counts, then stock
/// levels by sku.
///
/// # Errors
/// [`RestockError`]; a refusal changes nothing.
pub async fn restock(
    db: &Database,
    shop: &Shop,
    order_id: OrderId,
    actor: &Actor,
    restock: &Restock,
) -> Result<Restocked, RestockError> {
    let (skus, quantities) = restock.lines.columns();
    let row = db
        .call_one(
            "select * from holdfast.order_restock($1, $2, $3, $4, $5, $6, $7, $8)",
            &[
                &shop,
                &order_id,
                &restock.return_id,
                &restock.hash().as_slice(),
                &actor,
                &restock.note,
                &skus,
                &quantities,
            ],
        )
        .await
        .map_err(|failure| match failure.constraint() {
            Some("stock_on_hand_is_sane") => RestockError::StockFull,
            _ => failure.into(),
        })?;
    match row.get("o_outcome") {
        "restocked" => Ok(Restocked::New(DeskOrder::from_json(row.get("o_order"))?)),
        "same" => Ok(Restocked::Same(DeskOrder::from_json(row.get("o_order"))?)),
        "not_found" => Err(RestockError::NotFound),
        "return_conflict" => Err(RestockError::Conflict),
        "not_sold" => Err(RestockError::NotSold),
        "too_many_changes" => Err(RestockError::TooManyChanges),
        "too_many" => {
            let refused = restock
                .lines
                .shortages(row.get("o_refused_skus"), row.get("o_refused_returnable"));
            let excess = refused.into_iter().map(Excess::from).collect();
            Err(RestockError::TooMany(excess))
        }
        other => Err(Failure::unknown_outcome("order_restock", other).into()),
    }
}
