//! Writes down what a gateway answered to a refund.

use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::db::{Database, Failure};
use crate::ids::Shop;

/// What the gateway answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Taken on; its webhook or a look-up says how it ends.
    Pending {
        /// The gateway's id of it.
        gateway_refund_id: Option<String>,
    },
    /// The money is on its way to the shopper.
    Settled {
        /// The gateway's id of it.
        gateway_refund_id: Option<String>,
    },
    /// Refused, or made and failed there: a person has to look.
    Failed {
        /// The gateway's id of it, where it was made at all: then this one can't be sent again.
        gateway_refund_id: Option<String>,
        /// What the gateway said.
        error: String,
    },
    /// No answer, or a failure that passes: sent again after a pause.
    Retry {
        /// What happened.
        error: String,
    },
}

/// What became of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    /// Written down.
    Recorded,
    /// It stands so or further already: a webhook was faster.
    NoEffect,
    /// There is no such refund.
    NotFound,
}

/// Writes down what a gateway answered. After 20 tries in vain (some 14 hours) a refund has failed.
///
/// Locks: the checkout, the order, the payment, the refund, the capture.
///
/// # Errors
/// [`Failure`] when the database could not answer; report it again.
pub async fn report(
    db: &Database,
    shop: &Shop,
    refund_id: Uuid,
    verdict: &Verdict,
) -> Result<Reported, Failure> {
    let (result, gateway_refund_id, error) = match verdict {
        Verdict::Pending { gateway_refund_id } => ("pending", gateway_refund_id.as_ref(), None),
        Verdict::Settled { gateway_refund_id } => ("settled", gateway_refund_id.as_ref(), None),
        Verdict::Failed {
            gateway_refund_id,
            error,
        } => ("failed", gateway_refund_id.as_ref(), Some(error)),
        Verdict::Retry { error } => ("retry", None, Some(error)),
    };
    let row = db
        .call_one(
            "select holdfast.refund_report($1, $2, $3, $4, $5)",
            &[
                (&shop.as_str(), Type::TEXT),
                (&refund_id, Type::UUID),
                (&result, Type::TEXT),
                (&gateway_refund_id, Type::TEXT),
                (&error, Type::TEXT),
            ],
        )
        .await?;
    match row.get(0) {
        "recorded" => Ok(Reported::Recorded),
        "no_effect" => Ok(Reported::NoEffect),
        "not_found" => Ok(Reported::NotFound),
        other => Err(Failure::unknown_outcome("refund_report", other)),
    }
}
