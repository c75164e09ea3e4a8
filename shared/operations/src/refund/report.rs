//! Records a gateway's answer to a refund.

use uuid::Uuid;

use crate::db::{Database, Failure};
use crate::ids::Shop;

/// The gateway's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayAnswer {
    /// Accepted. Its webhook or a look-up brings the result.
    Pending {
        /// The gateway's id.
        gateway_refund_id: Option<String>,
    },
    /// Finished: the money is on its way to the shopper.
    Settled {
        /// The gateway's id.
        gateway_refund_id: Option<String>,
    },
    /// Refused, or made and failed there. A person must look.
    Failed {
        /// The gateway's id, if the gateway made it. Then it cannot be sent again.
        gateway_refund_id: Option<String>,
        /// What the gateway said.
        error: String,
    },
    /// No answer, or an error that may pass. It is sent again after a pause.
    Retry {
        /// The error.
        error: String,
    },
}

/// The result of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    /// Recorded.
    Recorded,
    /// It already had this status or a later one: a webhook was faster.
    NoEffect,
    /// The refund does not exist.
    NotFound,
}

/// Records a gateway's answer. After 20 failed tries (about 14 hours) a refund has failed.
///
/// Locks: the checkout, the order, the payment, the refund, the capture.
///
/// # Errors
/// [`Failure`] when the database could not answer; report it again.
pub async fn report(
    db: &Database,
    shop: &Shop,
    refund_id: Uuid,
    answer: &GatewayAnswer,
) -> Result<Reported, Failure> {
    let (result, gateway_refund_id, error) = match answer {
        GatewayAnswer::Pending { gateway_refund_id } => {
            ("pending", gateway_refund_id.as_ref(), None)
        }
        GatewayAnswer::Settled { gateway_refund_id } => {
            ("settled", gateway_refund_id.as_ref(), None)
        }
        GatewayAnswer::Failed {
            gateway_refund_id,
            error,
        } => ("failed", gateway_refund_id.as_ref(), Some(error)),
        GatewayAnswer::Retry { error } => ("retry", None, Some(error)),
    };
    let row = db
        .call_one(
            "select holdfast.refund_report($1, $2, $3, $4, $5)",
            &[&shop, &refund_id, &result, &gateway_refund_id, &error],
        )
        .await?;
    match row.get(0) {
        "recorded" => Ok(Reported::Recorded),
        "no_effect" => Ok(Reported::NoEffect),
        "not_found" => Ok(Reported::NotFound),
        other => Err(Failure::unknown_outcome("refund_report", other)),
    }
}
