//! Sends a failed refund again, at a person's request.

use super::Refund;
use super::request::PAYMENT_DISPUTED;
use crate::db::{Database, Failure, from_json};
use crate::ids::{Actor, RefundId, Shop};
use crate::refusal::Kind;
use crate::refusals;

/// The result of a retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// The refund is under way again: the same one, or its replacement if the gateway called it
    /// failed.
    New(Refund),
    /// It was already under way, or already replaced.
    Same(Refund),
}

const REFUND_NOT_FAILED: Kind = Kind {
    status: 409,
    code: "refund_not_failed",
    title: "The refund has not failed",
    detail: "It went through, or nobody owes it any more. There is nothing to send again.",
};

refusals! {
    /// Why it is not sent again, in order of precedence.
    pub enum RetryError {
        NotFound => Said::not_found("refund");
        /// it went through, or nobody owes it any more.
        NotFailed => REFUND_NOT_FAILED;
        /// a bank asks for this money, or has taken it. Send `despite_dispute` if it shall go back
        /// all the same.
        Disputed => PAYMENT_DISPUTED;
    }
}

/// Sends a failed refund again. `despite_dispute`: although a bank asks for the money. If the
/// gateway called it failed, a new refund replaces it, because the gateway keeps the old id as
/// failed for ever.
///
/// Locks: the checkout, the order, the payment, the refund, the capture.
///
/// # Errors
/// [`RetryError`]; a refusal changes nothing.
pub async fn retry(
    db: &Database,
    shop: &Shop,
    refund_id: RefundId,
    actor: &Actor,
    despite_dispute: bool,
) -> Result<Retried, RetryError> {
    let row = db
        .call_one(
            "select * from holdfast.refund_retry($1, $2, $3, $4)",
            &[&shop, &refund_id, &actor, &despite_dispute],
        )
        .await?;
    let refund = || from_json(row.get("o_refund"));
    match row.get("o_outcome") {
        "retried" => Ok(Retried::New(refund()?)),
        "same" => Ok(Retried::Same(refund()?)),
        "not_found" => Err(RetryError::NotFound),
        "refund_not_failed" => Err(RetryError::NotFailed),
        "payment_disputed" => Err(RetryError::Disputed),
        other => Err(Failure::unknown_outcome("refund_retry", other).into()),
    }
}
