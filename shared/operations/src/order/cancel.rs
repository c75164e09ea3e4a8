//! Cancels a booking or a free order.

use super::amend::ORDER_STALE;
use super::{DeskOrder, ORDER_ENDED, ORDER_NOT_OFFLINE};
use crate::db::{Database, Failure};
use crate::ids::{Actor, CheckoutId, Shop};
use crate::quantity::Version;
use crate::refusals;
use crate::stock::STOCK_FULL;

refusals! {
    /// Why an order is not cancelled, in order of precedence.
    pub enum CancelError {
        NotFound => Said::not_found("order");
        /// its money came, or comes, through a gateway.
        NotOffline => ORDER_NOT_OFFLINE;
        /// its money has already gone back.
        Ended => ORDER_ENDED;
        /// it has another version now. `order` shows it.
        Stale(order: Box<DeskOrder>) => ORDER_STALE;
        /// a sku would have too many units on hand again.
        StockFull => STOCK_FULL;
    }
}

/// Cancels an order that no gateway takes money for: a booking, or a free order. Gives back all
/// units that did not come back before, and its coupon's use. With a version, only if the order is
/// as the caller has seen it. A retry gets the same answer.
///
/// Locks: the checkout, the order, the payment, the coupon, the customer's counts, then stock
/// levels by sku.
///
/// # Errors
/// [`CancelError`]; a refusal changes nothing.
pub async fn cancel(
    db: &Database,
    shop: &Shop,
    checkout_id: CheckoutId,
    actor: &Actor,
    expected_version: Option<Version>,
) -> Result<DeskOrder, CancelError> {
    let row = db
        .call_one(
            "select * from holdfast.order_cancel($1, $2, $3, $4)",
            &[&shop, &checkout_id, &actor, &expected_version],
        )
        .await
        .map_err(|failure| match failure.constraint() {
            Some("stock_on_hand_is_sane") => CancelError::StockFull,
            _ => failure.into(),
        })?;
    match row.get("o_outcome") {
        "cancelled" | "same" => Ok(DeskOrder::from_json(row.get("o_order"))?),
        "not_found" => Err(CancelError::NotFound),
        "not_offline" => Err(CancelError::NotOffline),
        "order_ended" => Err(CancelError::Ended),
        "stale" => {
            let order = DeskOrder::from_json(row.get("o_order"))?;
            Err(CancelError::Stale(Box::new(order)))
        }
        other => Err(Failure::unknown_outcome("order_cancel", other).into()),
    }
}
