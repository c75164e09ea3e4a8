//! Releases a checkout.

use super::{CHECKOUT_PAID, Checkout, from_row};
use crate::db::{Database, Failure};
use crate::ids::{CheckoutId, Customer, Shop};
use crate::refusals;

refusals! {
    /// Why a checkout is not released.
    pub enum ReleaseError {
        NotFound => Said::not_found("checkout");
        /// it is sold. Use a refund and a restock for goods that come back.
        Paid => CHECKOUT_PAID;
    }
}

/// Gives the stock back and cancels an order that awaits its payment. A retry, or a release after
/// an expiry, returns the checkout and changes nothing. Locks: the checkout, its order, the order's
/// coupon, stock levels by sku.
///
/// # Errors
/// [`ReleaseError`].
pub async fn release(
    db: &Database,
    shop: &Shop,
    checkout_id: CheckoutId,
    customer: Option<&Customer>,
) -> Result<Checkout, ReleaseError> {
    let rows = db
        .call(
            "select * from holdfast.checkout_release($1, $2, $3)",
            &[&shop, &checkout_id, &customer],
        )
        .await?;
    let row = rows.first().ok_or(ReleaseError::NotFound)?;
    match row.get("o_outcome") {
        "released" => Ok(from_row(*checkout_id.as_uuid(), row)),
        "checkout_paid" => Err(ReleaseError::Paid),
        other => Err(Failure::unknown_outcome("checkout_release", other).into()),
    }
}
