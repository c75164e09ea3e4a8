//! Requests a refund for staff, and puts returned goods back.

use sha2::{Digest as _, Sha256};
use tokio_postgres::Row;

use super::Overview;
use crate::checkout::{Cart, Shortage};
use crate::db::{Database, Failure, from_json};
use crate::ids::{Actor, OrderId, RefundId, Shop};
use crate::order::{Excess, RestockError};
use crate::quantity::AmountMinor;
use crate::text::{GatewayPaymentId, Note};

/// A refund to make.
#[derive(Debug, Clone)]
pub struct Request {
    pub shop: Shop,
    pub order_id: OrderId,
    /// The client's id of this refund: the idempotency key.
    pub refund_id: RefundId,
    pub actor: Actor,
    /// Why, in the clerk's own words.
    pub note: Option<Note>,
    /// The amount. `None`: everything that is left.
    pub amount: Option<AmountMinor>,
    /// The gateway's payment. `None`: all payments in the order's currency, money in review first,
    /// then the newest.
    pub gateway_payment_id: Option<GatewayPaymentId>,
    /// Goods to put back on the shelf with it, under the same id.
    pub restock: Option<Cart>,
}

impl Request {
    /// The request hash: SHA-256 over everything that was asked for. Requests with one hash are the
    /// same request.
    fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        // no text contains a NUL, so their ends are unambiguous
        hash.update(self.note.as_ref().map_or("", Note::as_str));
        hash.update([0]);
        let amount = self.amount.map_or(0, AmountMinor::get);
        hash.update(amount.to_be_bytes());
        let payment = self.gateway_payment_id.as_ref();
        hash.update(payment.map_or("", GatewayPaymentId::as_str));
        hash.update([0]);
        for (sku, quantity) in self.restock.iter().flat_map(Cart::lines) {
            hash.update(sku.as_str());
            hash.update([0]);
            hash.update(quantity.get().to_be_bytes());
        }
        hash.finalize().into()
    }
}

/// A requested refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requested {
    /// Owed from now on.
    New(Overview),
    /// A retry: nothing changed. The current refunds.
    Same(Overview),
}

/// Why nothing is refunded, in order of precedence.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("there is no such order")]
    NotFound,
    #[error("this refund id is in use for another request")]
    Conflict,
    #[error("no gateway has taken money for this order")]
    NotCaptured,
    #[error("more than is left: {refundable_minor}")]
    TooMuch {
        /// The amount that can still be refunded.
        refundable_minor: i64,
    },
    #[error(transparent)]
    Restock(RestockError),
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Records that money of an order is owed back, and puts the named goods back: both or neither. A
/// retry has no second effect.
///
/// Locks: the checkout, the order, the payment, captures, then those of [`crate::order::restock`].
///
/// # Errors
/// [`RequestError`]; a refusal changes nothing.
pub async fn request(db: &Database, request: &Request) -> Result<Requested, RequestError> {
    let columns = request.restock.as_ref().map(Cart::columns);
    let (skus, quantities) = columns.unzip();
    let row = db
        .call_one(
            "select * from holdfast.refund_request($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            &[
                &request.shop,
                &request.order_id,
                &request.refund_id,
                &request.hash().as_slice(),
                &request.actor,
                &request.note,
                &request.amount,
                &request.gateway_payment_id,
                &skus,
                &quantities,
            ],
        )
        .await?;
    let overview = || from_json(row.get("o_overview"));
    match row.get("o_outcome") {
        "requested" => Ok(Requested::New(overview()?)),
        "same" => Ok(Requested::Same(overview()?)),
        "not_found" => Err(RequestError::NotFound),
        "refund_conflict" => Err(RequestError::Conflict),
        "not_captured" => Err(RequestError::NotCaptured),
        "too_much" => Err(RequestError::TooMuch {
            refundable_minor: row.get("o_refundable_minor"),
        }),
        "not_sold" => Err(RequestError::Restock(RestockError::NotSold)),
        "return_conflict" => Err(RequestError::Restock(RestockError::Conflict)),
        "too_many" => Err(RequestError::Restock(too_many(request, &row))),
        other => Err(Failure::unknown_outcome("refund_request", other).into()),
    }
}

fn too_many(request: &Request, row: &Row) -> RestockError {
    let excess = |line: Shortage| Excess {
        sku: line.sku,
        requested: line.requested,
        returnable: line.available,
    };
    let refused = request
        .restock
        .as_ref()
        .map(|cart| cart.shortages(row.get("o_refused_skus"), row.get("o_refused_returnable")));
    RestockError::TooMany(refused.into_iter().flatten().map(excess).collect())
}
