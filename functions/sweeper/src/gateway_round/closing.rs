//! Closes orders at their gateways before their holds end.

use operations::db::Failure;
use operations::gateway_order;
use operations::payment::Gateway;

use super::lookups;
use super::work::{BATCH_MAX, Lines, Round, Step, Task, Work, is_full};
use gateways::{Closed, GatewayError, KnownOrder};

/// Claims orders to close. Returns whether there may be more.
pub(super) async fn claim(
    work: &Work<'_>,
    before_s: i32,
    lines: &mut Lines,
) -> Result<bool, Failure> {
    let claimed = gateway_order::due(work.db, work.shop, BATCH_MAX, before_s).await?;
    let more = is_full(claimed.len(), BATCH_MAX);
    for due in claimed {
        let order = KnownOrder {
            reference: due.reference,
            gateway_order_id: Some(due.gateway_order_id),
        };
        lines.push(due.gateway, Task::Close(order));
    }
    Ok(more)
}

/// Closes one order at its gateway, then here. A paid order is looked up first: its webhook may be
/// lost. If the gateway cannot close orders, Holdfast only stops using this one. If it could close
/// the order but did not, the order stays open here and comes again in a later round.
pub(super) async fn close(work: &Work<'_>, gateway: Gateway, order: &KnownOrder) -> Step {
    let mut round = Round::default();
    let answer = match work.gateways.of(work.shop, gateway) {
        Ok(api) => work.in_time(gateway, api.close_order(order)).await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(Closed::Closed) => round.closed = 1,
        Ok(Closed::Paid | Closed::Unsupported) => {
            let (found, error) = lookups::payment(work, gateway, order).await?;
            round += found;
            if error.is_some() {
                return Ok((round, error));
            }
        }
        Ok(Closed::StillOpen) => {
            let reason = "it was to close an order, which stays open";
            return Ok((round, Some(GatewayError::Unfit { gateway, reason })));
        }
        Err(error) => return Ok((round, Some(error))),
    }
    if let Some(id) = &order.gateway_order_id {
        gateway_order::close(work.db, work.shop, gateway, id).await?;
    }
    Ok((round, None))
}
