//! Reads the order of a checkout.

use tokio_postgres::types::Type;

use super::{Order, from_json};
use crate::db::{Database, Failure};
use crate::ids::{CheckoutId, Customer, Shop};

/// Why an order is not shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none, or it is somebody else's.
    #[error("there is no such order")]
    NotFound,
    /// Could not decide.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Reads the order of a checkout. With `customer`, somebody else's looks like a missing one;
/// without, the id is the capability. Locks: the order FOR KEY SHARE, because an answer is an
/// acknowledgement.
///
/// # Errors
/// [`ReadError`].
pub async fn read(
    db: &Database,
    shop: &Shop,
    checkout_id: CheckoutId,
    customer: Option<&Customer>,
) -> Result<Order, ReadError> {
    let row = db
        .call_one(
            "select holdfast.order_read($1, $2, $3)",
            &[
                (&shop.as_str(), Type::TEXT),
                (checkout_id.as_uuid(), Type::UUID),
                (&customer.map(Customer::as_str), Type::TEXT),
            ],
        )
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    Ok(from_json(json.ok_or(ReadError::NotFound)?)?)
}
