//! Releases a checkout.

use super::{Checkout, from_row};
use crate::db::{Database, Failure};
use crate::ids::{CheckoutId, Customer, Shop};

/// Why a checkout is not released.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    #[error("there is no such checkout")]
    NotFound,
    #[error("this checkout is paid")]
    Paid,
    #[error(transparent)]
    Failure(#[from] Failure),
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
