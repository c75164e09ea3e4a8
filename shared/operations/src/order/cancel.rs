//! Cancels a booking.

use super::{DeskOrder, ORDER_ENDED, ORDER_NOT_OFFLINE};
use crate::db::{Database, Failure};
use crate::ids::{Actor, CheckoutId, Shop};
use crate::refusals;

refusals! {
    /// Why a booking is not cancelled, in order of precedence.
    pub enum CancelError {
        NotFound => Said::not_found("booking");
        /// its payment goes through a gateway.
        NotOffline => ORDER_NOT_OFFLINE;
        /// its money has already gone back.
        Ended => ORDER_ENDED;
    }
}

/// Cancels a booking and gives back all seats that did not come back before. A retry gets the same
/// answer.
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
) -> Result<DeskOrder, CancelError> {
    let row = db
        .call_one(
            "select * from holdfast.order_cancel($1, $2, $3)",
            &[&shop, &checkout_id, &actor],
        )
        .await?;
    match row.get("o_outcome") {
        "cancelled" | "same" => Ok(DeskOrder::from_json(row.get("o_order"))?),
        "not_found" => Err(CancelError::NotFound),
        "not_offline" => Err(CancelError::NotOffline),
        "order_ended" => Err(CancelError::Ended),
        other => Err(Failure::unknown_outcome("order_cancel", other).into()),
    }
}
