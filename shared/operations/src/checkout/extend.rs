//! Extends the hold of an open checkout, within bounds.

use super::{CHECKOUT_ENDED, CHECKOUT_ORDERED, Checkout, from_row, hold_too_long};
use crate::db::{Database, Failure};
use crate::ids::{CheckoutId, Customer, Shop};
use crate::quantity::HoldSeconds;
use crate::refusals;

refusals! {
    /// Why a hold is not extended.
    pub enum ExtendError {
        NotFound => Said::not_found("checkout");
        /// it has an order, which has its own hold time.
        Ordered => CHECKOUT_ORDERED;
        /// it was released, has expired or is paid. Begin a new one.
        Ended => CHECKOUT_ENDED;
        HoldTooLong => hold_too_long();
    }
}

/// Extends the hold to `hold` seconds from now (`None`: the shop's default). The hold never ends
/// after the shop's limit, counted from the beginning of the checkout, and never becomes shorter.
/// Locks: the checkout; no stock.
///
/// # Errors
/// [`ExtendError`].
pub async fn extend(
    db: &Database,
    shop: &Shop,
    checkout_id: CheckoutId,
    customer: Option<&Customer>,
    hold: Option<HoldSeconds>,
) -> Result<Checkout, ExtendError> {
    let rows = db
        .call(
            "select * from holdfast.checkout_extend($1, $2, $3, $4)",
            &[&shop, &checkout_id, &customer, &hold],
        )
        .await?;
    let row = rows.first().ok_or(ExtendError::NotFound)?;
    match row.get("o_outcome") {
        "extended" => Ok(from_row(*checkout_id.as_uuid(), row)),
        "checkout_ordered" => Err(ExtendError::Ordered),
        "checkout_ended" => Err(ExtendError::Ended),
        "hold_too_long" => Err(ExtendError::HoldTooLong),
        other => Err(Failure::unknown_outcome("checkout_extend", other).into()),
    }
}
