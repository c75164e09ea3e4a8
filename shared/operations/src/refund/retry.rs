//! Sends a refund that failed once more, because a person says so.

use tokio_postgres::types::Type;

use super::Refund;
use crate::db::{Database, Failure};
use crate::ids::{Actor, RefundId, Shop};

/// A refund that is under way again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// From now on: the same one, or another in its place where the gateway calls it failed.
    New(Refund),
    /// It was under way, or done over, before.
    Same(Refund),
}

/// Why it is not sent again. In order of precedence.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// There is no such refund.
    #[error("there is no such refund")]
    NotFound,
    /// It went through, or nobody owes it.
    #[error("this refund has not failed")]
    NotFailed,
    /// Could not decide.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Sends a failed refund again. What the gateway calls failed gets another one in its place,
/// because the gateway knows the old id as failed for ever.
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
            &[
                (&shop.as_str(), Type::TEXT),
                (refund_id.as_uuid(), Type::UUID),
                (&actor.as_str(), Type::TEXT),
            ],
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
