//! Extends the hold of an open checkout, within bounds.

use super::{Checkout, from_row};
use crate::db::{Database, Failure};
use crate::ids::{CheckoutId, Customer, Shop};
use crate::quantity::HoldSeconds;

/// Why a hold is not extended.
#[derive(Debug, thiserror::Error)]
pub enum ExtendError {
    #[error("there is no such checkout")]
    NotFound,
    #[error("this checkout has an order")]
    Ordered,
    #[error("this checkout has ended")]
    Ended,
    #[error("the shop does not hold stock that long")]
    HoldTooLong,
    #[error(transparent)]
    Failure(#[from] Failure),
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
