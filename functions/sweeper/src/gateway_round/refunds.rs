//! Sends refunds that are owed.

use operations::db::Failure;
use operations::refund::{self, Claimed, GatewayAnswer};

use super::work::{BATCH_MAX, Lines, Round, Step, Task, Work, is_full};
use gateways::{GatewayError, NewRefund, RefundResult, RefundState};

/// Claims refunds. Returns whether there may be more.
pub(super) async fn claim(work: &Work<'_>, lines: &mut Lines) -> Result<bool, Failure> {
    let claimed = refund::claim(work.db, work.shop, BATCH_MAX).await?;
    let more = is_full(claimed.len(), BATCH_MAX);
    for refund in claimed {
        lines.push(refund.gateway, Task::Refund(refund));
    }
    Ok(more)
}

/// Sends one refund and stores the gateway's answer. If it cannot be stored, the refund is claimed
/// again, and the gateway finds it by our id.
pub(super) async fn send(work: &Work<'_>, claimed: &Claimed) -> Step {
    let new = NewRefund {
        refund_id: claimed.refund_id,
        reference: claimed.reference.clone(),
        gateway_payment_id: claimed.gateway_payment_id.clone(),
        amount_minor: claimed.amount_minor,
        currency: claimed.currency.clone(),
        reason: claimed.reason.clone(),
        sent_before: claimed.attempts > 1,
        earlier_attempts: u32::try_from(claimed.attempts - 1).unwrap_or(0),
    };
    let answer = match work.gateways.of(work.shop, claimed.gateway) {
        Ok(api) => work.in_time(claimed.gateway, api.refund(&new)).await,
        Err(error) => Err(error),
    };
    let (answer, error) = match answer {
        Ok(result) => (gateway_answer(result), None),
        Err(error) => (refusal(&error), Some(error)),
    };
    let (shop, id) = (work.shop.as_str(), claimed.refund_id);
    if let GatewayAnswer::Failed { error, .. } = &answer {
        tracing::error!(shop, refund.id = %id, error, "a refund failed");
    }
    let reported = refund::report(work.db, work.shop, id, &answer).await?;
    tracing::info!(shop, refund.id = %id, ?reported, "sent a refund");
    let round = Round {
        refunds_sent: 1,
        ..Round::default()
    };
    Ok((round, error))
}

pub(super) fn gateway_answer(result: RefundResult) -> GatewayAnswer {
    let gateway_refund_id = Some(result.gateway_refund_id);
    match result.state {
        RefundState::Pending => GatewayAnswer::Pending { gateway_refund_id },
        RefundState::Settled => GatewayAnswer::Settled { gateway_refund_id },
        RefundState::Failed => GatewayAnswer::Failed {
            gateway_refund_id,
            error: "it failed at the gateway".to_owned(),
        },
    }
}

/// A refund fails if a person must look at it. It is tried again if the cause may pass, or if the
/// gateway may have made it.
fn refusal(error: &GatewayError) -> GatewayAnswer {
    let words = error.to_string();
    match error {
        GatewayError::Unavailable { .. }
        | GatewayError::Busy { .. }
        | GatewayError::Unauthorized(_)
        | GatewayError::Unreadable { .. } => GatewayAnswer::Retry { error: words },
        GatewayError::NotConfigured(_)
        | GatewayError::Unfit { .. }
        | GatewayError::NotFound(_)
        | GatewayError::Refused { .. } => GatewayAnswer::Failed {
            gateway_refund_id: None,
            error: words,
        },
    }
}
