//! Reads a checkout.

use super::{Checkout, from_row};
use crate::db::{Database, Failure};
use crate::ids::{CheckoutId, Customer, Shop};

/// Reads a checkout. With `customer`, a checkout of another customer is `None`. Without it, the id
/// is the capability. Locks: the checkout FOR KEY SHARE, because an answer is an acknowledgement.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn read(
    db: &Database,
    shop: &Shop,
    checkout_id: CheckoutId,
    customer: Option<&Customer>,
) -> Result<Option<Checkout>, Failure> {
    let rows = db
        .call(
            "select * from holdfast.checkout_read($1, $2, $3)",
            &[&shop, &checkout_id, &customer],
        )
        .await?;
    let found = rows.first();
    Ok(found.map(|row| from_row(*checkout_id.as_uuid(), row)))
}
