//! Requests a refund for staff, and puts returned goods back.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio_postgres::Row;
use utoipa::ToSchema;

use super::Overview;
use crate::checkout::Cart;
use crate::db::{Database, Failure, from_json};
use crate::ids::{Actor, OrderId, RefundId, Shop};
use crate::object::not_null;
use crate::order::restock::{MORE_THAN_SOLD, ORDER_NOT_SOLD, RETURN_CONFLICT};
use crate::order::{Excess, TOO_MANY_CHANGES};
use crate::quantity::{Amount, AmountMinor};
use crate::refusal::Kind;
use crate::refusals;
use crate::stock::STOCK_FULL;
use crate::text::{GatewayPaymentId, Note};

/// A refund to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RefundRequest)]
pub struct Request {
    /// A UUID that the caller makes for this refund. It is the idempotency key.
    pub refund_id: RefundId,
    /// How much goes back. Default: all that is left. Required if `restock` has only a part of the
    /// goods that have not come back.
    #[serde(default, deserialize_with = "not_null")]
    pub amount_minor: Option<AmountMinor>,
    /// The gateway's payment that is given back. Default: all payments in the order's currency.
    /// Money in another currency goes back only if you name its payment.
    #[serde(default, deserialize_with = "not_null")]
    pub gateway_payment_id: Option<GatewayPaymentId>,
    /// Goods that go back on the shelf with it, under the same id. Default: none.
    #[serde(default, deserialize_with = "not_null")]
    pub restock: Option<Cart>,
    /// The reason, in the clerk's own words.
    #[serde(default, deserialize_with = "not_null")]
    pub note: Option<Note>,
    /// Give the money back although a bank asks for it or has taken it. The customer may then get
    /// it twice.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(default = false)]
    pub despite_dispute: Option<bool>,
}

impl Request {
    /// The request hash: SHA-256 over everything that was asked for. Requests with one hash are the
    /// same request.
    fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        // no text contains a NUL, so their ends are unambiguous
        hash.update(self.note.as_ref().map_or("", Note::as_str));
        hash.update([0]);
        let amount = self.amount_minor.map_or(0, AmountMinor::get);
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

/// The money of an order that is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refundable {
    /// The captured money that is not already owed back.
    #[schema(value_type = Amount)]
    pub refundable_minor: i64,
}

const REFUND_CONFLICT: Kind = Kind {
    status: 409,
    code: "refund_conflict",
    title: "The refund id is in use",
    detail: "This id belongs to another refund. To give more back, use a new id.",
};
pub(crate) const PAYMENT_DISPUTED: Kind = Kind {
    status: 409,
    code: "payment_disputed",
    title: "A bank disputes the payment",
    detail: "Nothing has changed: a bank asks for this money, or has taken it already. Look at \
             the dispute at the gateway. If you decide so all the same, send `despite_dispute`.",
};
const NOTHING_CAPTURED: Kind = Kind {
    status: 409,
    code: "nothing_captured",
    title: "No gateway has taken money",
    detail: "No gateway has taken money for this order, or not with this payment. Money that was \
             paid at the desk is given back at the desk.",
};
const MORE_THAN_CAPTURED: Kind = Kind {
    status: 409,
    code: "more_than_captured",
    title: "More than is left",
    detail: "No money goes back. `refundable_minor` is the captured money that is not already \
             owed back.",
};

/// So many refunds of one order staff request at most: a penny each would be millions.
/// `refund_request` refuses.
pub const REFUNDS_MAX: i32 = 100;

const TOO_MANY_REFUNDS: Kind = Kind {
    status: 409,
    code: "too_many_refunds",
    title: "The order has too many refunds",
    detail: "No money goes back: an order has at most 100 refunds. Give the rest back in the \
             gateway's dashboard; its webhook records it here.",
};

refusals! {
    /// Why nothing is refunded, in order of precedence.
    pub enum RequestError {
        NotFound => Said::not_found("order");
        /// the `refund_id` belongs to another refund.
        Conflict => REFUND_CONFLICT;
        /// no gateway took money for this order, or not with this payment.
        NotCaptured => NOTHING_CAPTURED;
        /// a bank asks for this money, or has taken it. Send `despite_dispute` if it shall go back
        /// all the same.
        Disputed => PAYMENT_DISPUTED;
        AmountMissing => Said::invalid(
            "amount_minor",
            "is missing: restock has only a part of the goods, and without an amount all of the \
             money would go back",
        );
        /// more than is left. `refundable_minor` says how much is left.
        TooMuch(all: Refundable) => MORE_THAN_CAPTURED;
        /// the order has 100 refunds.
        TooManyRefunds => TOO_MANY_REFUNDS;
        AmountNotPayable => Said::invalid(
            "amount_minor",
            "is finer than the gateway takes: it must be a multiple of 10 in a currency with \
             three decimals, and of 100 in MGA",
        );
        RestNotPayable => Said::invalid(
            "amount_minor",
            "is missing, and all that is left is finer than the gateway takes: name a multiple of \
             10 in a currency with three decimals, and of 100 in MGA; the last digits can only go \
             back outside the gateway",
        );
        /// another return of goods uses this id.
        ReturnConflict => RETURN_CONFLICT;
        /// `restock` has goods of an order that sold none.
        NotSold => ORDER_NOT_SOLD;
        /// a sku of `restock` would have too many units on hand again. No money goes back either.
        StockFull => STOCK_FULL;
        /// `restock` of an order that was changed 1,000 times.
        TooManyChanges => TOO_MANY_CHANGES;
        /// lines of `restock`, listed in `excess`, have more units than were sold and have not
        /// come back. No money goes back either.
        TooMany(
            /// Every line with too many units.
            #[schema(min_items = 1, max_items = 50)]
            excess: Vec<Excess>
        ) => MORE_THAN_SOLD;
    }
}

/// Records that money of an order is owed back, and puts the named goods back: both or neither. A
/// retry has no second effect.
///
/// Locks: the checkout, the order, the payment, captures, then those of [`crate::order::restock`].
///
/// # Errors
/// [`RequestError`]; a refusal changes nothing.
pub async fn request(
    db: &Database,
    shop: &Shop,
    order_id: OrderId,
    actor: &Actor,
    request: &Request,
) -> Result<Requested, RequestError> {
    let columns = request.restock.as_ref().map(Cart::columns);
    let (skus, quantities) = columns.unzip();
    let payment = request.gateway_payment_id.as_ref();
    let row = db
        .call_one(
            "select * from holdfast.refund_request(
                $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            &[
                &shop,
                &order_id,
                &request.refund_id,
                &request.hash().as_slice(),
                &actor,
                &request.note,
                &request.amount_minor,
                &payment,
                &skus,
                &quantities,
                &request.despite_dispute.unwrap_or(false),
            ],
        )
        .await
        .map_err(|failure| match failure.constraint() {
            Some("stock_on_hand_is_sane") => RequestError::StockFull,
            _ => failure.into(),
        })?;
    let overview = || from_json(row.get("o_overview"));
    match row.get("o_outcome") {
        "requested" => Ok(Requested::New(overview()?)),
        "same" => Ok(Requested::Same(overview()?)),
        "not_found" => Err(RequestError::NotFound),
        "refund_conflict" => Err(RequestError::Conflict),
        "payment_disputed" => Err(RequestError::Disputed),
        "not_captured" => Err(RequestError::NotCaptured),
        "amount_missing" => Err(RequestError::AmountMissing),
        "amount_not_payable" if request.amount_minor.is_none() => Err(RequestError::RestNotPayable),
        "amount_not_payable" => Err(RequestError::AmountNotPayable),
        "too_much" => Err(RequestError::TooMuch(Refundable {
            refundable_minor: row.get("o_refundable_minor"),
        })),
        "too_many_refunds" => Err(RequestError::TooManyRefunds),
        "not_sold" => Err(RequestError::NotSold),
        "too_many_changes" => Err(RequestError::TooManyChanges),
        "return_conflict" => Err(RequestError::ReturnConflict),
        "too_many" => Err(RequestError::TooMany(excess(request, &row))),
        other => Err(Failure::unknown_outcome("refund_request", other).into()),
    }
}

fn excess(request: &Request, row: &Row) -> Vec<Excess> {
    let refused = request
        .restock
        .as_ref()
        .map(|cart| cart.shortages(row.get("o_refused_skus"), row.get("o_refused_returnable")));
    refused.into_iter().flatten().map(Excess::from).collect()
}
