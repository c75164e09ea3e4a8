//! Refusals of refunds, and of stored events that are read again.

use serde_json::json;

use super::Problem;
use operations::payment::RedriveError;
use operations::refund::{RequestError, RetryError};

impl From<&RequestError> for Problem {
    fn from(error: &RequestError) -> Self {
        match error {
            RequestError::NotFound => Self::not_found("order"),
            RequestError::Conflict => Self::new(
                409,
                "refund_conflict",
                "The refund id is in use",
                "This id belongs to another refund. To give more back, use a new id.",
            ),
            RequestError::NotCaptured => Self::new(
                409,
                "nothing_captured",
                "No gateway has taken money",
                "No gateway has taken money for this order, or not with this payment. Money that \
                 was paid at the desk is given back at the desk.",
            ),
            RequestError::TooMuch { refundable_minor } => Self::new(
                409,
                "more_than_captured",
                "More than is left",
                "No money goes back. `refundable_minor` is the captured money that is not already \
                 owed back.",
            )
            .with("refundable_minor", json!(refundable_minor)),
            RequestError::Restock(refusal) => refusal.into(),
            RequestError::Failure(failure) => failure.into(),
        }
    }
}

impl From<&RetryError> for Problem {
    fn from(error: &RetryError) -> Self {
        match error {
            RetryError::NotFound => Self::not_found("refund"),
            RetryError::NotFailed => Self::new(
                409,
                "refund_not_failed",
                "The refund has not failed",
                "It went through, or nobody owes it any more. There is nothing to send again.",
            ),
            RetryError::Failure(failure) => failure.into(),
        }
    }
}

impl From<&RedriveError> for Problem {
    fn from(error: &RedriveError) -> Self {
        match error {
            RedriveError::NotFound => Self::not_found("payment event"),
            RedriveError::Unreadable { gateway, reason } => Self::new(
                422,
                "event_unreadable",
                "The stored event can't be read",
                format!("Its body is not an event of {gateway}: {reason}."),
            ),
            RedriveError::Failure(failure) => failure.into(),
        }
    }
}
