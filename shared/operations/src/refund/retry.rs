//! Sends a failed refund again, at a person's request.

use super::Refund;
use crate::db::{Database, Failure};
use crate::ids::{Actor, RefundId, Shop};

/// The result of a retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// The refund is under way again: the same one, or its replacement if the gateway called it
    /// failed.
    New(Refund),
    /// It was already under way, or already replaced.
    Same(Refund),
}

/// Why it is not sent again, in order of precedence.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    #[error("there is no such refund")]
    NotFound,
    #[error("this refund has not failed")]
    NotFailed,
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Sends a failed refund again. If the gateway called it failed, a new refund replaces it, because
/// the gateway keeps the old id as failed for ever.
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
) -> Result<Retried, RetryError> {
    let row = db
        .call_one(
            "select * from holdfast.refund_retry($1, $2, $3)",
            &[&shop, &refund_id, &actor],
        )
        .await?;
    let refund = || {
        serde_json::from_value(row.get("o_refund")).map_err(|error| Failure::Internal(error.into()))
    };
    match row.get("o_outcome") {
        "retried" => Ok(Retried::New(refund()?)),
        "same" => Ok(Retried::Same(refund()?)),
        "not_found" => Err(RetryError::NotFound),
        "refund_not_failed" => Err(RetryError::NotFailed),
        other => Err(Failure::unknown_outcome("refund_retry", other).into()),
    }
}
