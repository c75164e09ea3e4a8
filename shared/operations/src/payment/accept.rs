//! Takes the money of an order in review as its payment, because staff decide so.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db::{Database, Failure};
use crate::ids::{Actor, OrderId, Shop};
use crate::object::not_null;
use crate::quantity::{Amount, AmountMinor};
use crate::refund::request::PAYMENT_DISPUTED;
use crate::refusal::Kind;
use crate::refusals;
use crate::telemetry::{self, Metric};
use crate::text::Note;

/// The decision of a person.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PaymentAccept)]
pub struct Accept {
    /// The captured money that the person saw: `refundable_minor` of `refund_overview`.
    pub captured_minor: AmountMinor,
    /// The reason, in the person's own words.
    pub note: Note,
    /// Accept the money although a bank asks for it or has taken it. The goods may then go out
    /// unpaid.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(default = false)]
    pub despite_dispute: Option<bool>,
}

/// The result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// The order is paid now.
    New,
    /// It was accepted before: nothing changed.
    Same,
}

/// The captured money of an order now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Captured {
    /// The money in the order's currency that is not owed back.
    #[schema(value_type = Amount)]
    pub captured_minor: i64,
}

const NOT_IN_REVIEW: Kind = Kind {
    status: 409,
    code: "order_not_in_review",
    title: "The order is not in review",
    detail: "Only money that waits for a person's decision can be accepted.",
};
const NOTHING_TO_ACCEPT: Kind = Kind {
    status: 409,
    code: "nothing_to_accept",
    title: "No money in the order's currency",
    detail: "None of the captured money is in the order's currency. Give it back.",
};
const CAPTURED_CHANGED: Kind = Kind {
    status: 409,
    code: "captured_changed",
    title: "Another sum has been captured",
    detail: "Nothing was accepted: `captured_minor` is what has been captured by now. If the \
             decision is still right, send it again with this sum.",
};
const ORDER_UNFILLABLE: Kind = Kind {
    status: 409,
    code: "order_unfillable",
    title: "The goods are gone",
    detail: "The order's hold has ended, and its stock or its coupon's last use is gone, or a sku \
             is off sale. Give the money back.",
};

refusals! {
    /// Why the money is not accepted, in order of precedence.
    pub enum AcceptError {
        NotFound => Said::not_found("order");
        /// no money of the order waits for a decision.
        NotInReview => NOT_IN_REVIEW;
        /// none of the money is in the order's currency.
        NothingToAccept => NOTHING_TO_ACCEPT;
        /// a bank asks for money of the order, or has taken it. Send `despite_dispute` if it shall
        /// be accepted all the same.
        Disputed => PAYMENT_DISPUTED;
        /// another sum than `captured_minor` has been captured by now.
        Changed(all: Captured) => CAPTURED_CHANGED;
        /// the hold has ended, and the order can't be filled any more.
        Unfillable => ORDER_UNFILLABLE;
    }
}

/// Accepts the captured money as the order's payment, and completes the order.
///
/// Locks: the checkout, the order, the payment, captures, the coupon, stock levels by sku.
///
/// # Errors
/// [`AcceptError`]; a refusal changes nothing.
pub async fn accept(
    db: &Database,
    shop: &Shop,
    order_id: OrderId,
    actor: &Actor,
    accept: &Accept,
) -> Result<Accepted, AcceptError> {
    let row = db
        .call_one(
            "call holdfast.payment_accept($1, $2, $3, $4, $5, $6)",
            &[
                &shop,
                &order_id,
                &accept.captured_minor,
                &actor,
                &accept.note,
                &accept.despite_dispute.unwrap_or(false),
            ],
        )
        .await?;
    match row.get("o_outcome") {
        "accepted" => {
            telemetry::count(Metric::OrdersPaid, 1);
            Ok(Accepted::New)
        }
        "same" => Ok(Accepted::Same),
        "not_found" => Err(AcceptError::NotFound),
        "not_in_review" => Err(AcceptError::NotInReview),
        "not_captured" => Err(AcceptError::NothingToAccept),
        "payment_disputed" => Err(AcceptError::Disputed),
        "captured_changed" => Err(AcceptError::Changed(Captured {
            captured_minor: row.get("o_captured_minor"),
        })),
        "order_unfillable" => Err(AcceptError::Unfillable),
        other => Err(Failure::unknown_outcome("payment_accept", other).into()),
    }
}
