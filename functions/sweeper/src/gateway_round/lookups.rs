//! Asks gateways for events whose webhooks did not arrive.

use operations::db::Failure;
use operations::lookup::{self, Limits, Lookup};
use operations::payment::{self, Gateway, Outcome};
use operations::refund;

use super::refunds::gateway_answer;
use super::work::{Lines, Round, Step, Task, Work, is_full};
use gateways::{KnownOrder, KnownRefund};

/// Claims look-ups. Returns whether there may be more.
pub(super) async fn claim(
    work: &Work<'_>,
    limits: &Limits,
    lines: &mut Lines,
) -> Result<bool, Failure> {
    let claimed = lookup::claim(work.db, work.shop, limits).await?;
    let more = is_full(claimed.len(), limits.batch_max);
    for claimed in claimed {
        match claimed {
            Lookup::Payment { reference, order } => {
                let known = KnownOrder {
                    reference,
                    gateway_order_id: order.as_ref().map(|(_, id)| id.clone()),
                };
                match order {
                    Some((gateway, _)) => lines.push(gateway, Task::LookUpPayment(known)),
                    // the storefront made the order, and did not say at which gateway
                    None => {
                        for gateway in work.gateways.at(work.shop) {
                            lines.push(gateway, Task::LookUpPayment(known.clone()));
                        }
                    }
                }
            }
            Lookup::Refund {
                refund_id,
                gateway,
                reference,
                gateway_payment_id,
                gateway_refund_id,
            } => {
                let known = KnownRefund {
                    refund_id,
                    reference,
                    gateway_payment_id,
                    gateway_refund_id,
                };
                lines.push(gateway, Task::LookUpRefund(known));
            }
        }
    }
    Ok(more)
}

/// Looks a payment up. The gateway's answer is read like its webhooks.
pub(super) async fn payment(work: &Work<'_>, gateway: Gateway, order: &KnownOrder) -> Step {
    let mut round = Round {
        looked_up: 1,
        ..Round::default()
    };
    let answer = match work.gateways.of(work.shop, gateway) {
        Ok(api) => work.in_time(gateway, api.look_up(order)).await,
        Err(error) => Err(error),
    };
    let events = match answer {
        Ok(events) => events,
        Err(error) => return Ok((round, Some(error))),
    };
    for event in events {
        let recorded = payment::record_event(work.db, work.shop, gateway, &event).await?;
        if recorded.outcome == Outcome::Duplicate {
            continue;
        }
        round.found += 1;
        tracing::info!(
            shop = work.shop.as_str(),
            gateway = %gateway,
            event.key = event.key,
            payment.reference = event.reference,
            order.id = recorded.order_id.map(tracing::field::display),
            outcome = ?recorded.outcome,
            "a look-up found an event"
        );
    }
    Ok((round, None))
}

/// Looks a refund up.
pub(super) async fn refund(work: &Work<'_>, gateway: Gateway, known: &KnownRefund) -> Step {
    let round = Round {
        looked_up: 1,
        ..Round::default()
    };
    let answer = match work.gateways.of(work.shop, gateway) {
        Ok(api) => work.in_time(gateway, api.look_up_refund(known)).await,
        Err(error) => Err(error),
    };
    let (shop, id) = (work.shop.as_str(), known.refund_id);
    match answer {
        Ok(Some(result)) => {
            let answer = gateway_answer(result);
            if let refund::GatewayAnswer::Failed { error, .. } = &answer {
                tracing::error!(shop, refund.id = %id, error, "a refund failed");
            }
            refund::report(work.db, work.shop, id, &answer).await?;
        }
        Ok(None) => {
            tracing::error!(
                shop,
                refund.id = %id,
                "a gateway does not know a refund that it accepted"
            );
        }
        Err(error) => return Ok((round, Some(error))),
    }
    Ok((round, None))
}
