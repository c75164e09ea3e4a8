//! Reads a checkout.

use tokio_postgres::types::Type;

use super::{Checkout, from_row};
use crate::db::{Database, Failure};
use crate::ids::{CheckoutId, Customer, Shop};

/// Why a checkout is not shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none, or it is somebody else's.
    #[error("there is no such checkout")]
    NotFound,
    /// Could not decide.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Reads a checkout. With `customer`, somebody else's looks like a missing one; without, the id is
/// the capability. Locks: the checkout FOR KEY SHARE, because an answer is an acknowledgement.
///
/// # Errors
/// [`ReadError`].
pub async fn read(
    db: &Database,
    shop: &Shop,
    checkout_id: CheckoutId,
    customer: Option<&Customer>,
) -> Result<Checkout, ReadError> {
    let rows = db
        .call(
            "select * from holdfast.checkout_read($1, $2, $3)",
            &[
                (&shop.as_str(), Type::TEXT),
                (checkout_id.as_uuid(), Type::UUID),
                (&customer.map(Customer::as_str), Type::TEXT),
            ],
        )
        .await?;
    let row = rows.first().ok_or(ReadError::NotFound)?;
    Ok(from_row(*checkout_id.as_uuid(), row))
}
