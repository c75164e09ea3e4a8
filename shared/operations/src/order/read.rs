//! Reads the order of a checkout.

use super::{Order, order_from_json};
use crate::db::{Database, Failure};
use crate::ids::{CheckoutId, Customer, Shop};

/// Reads the order of a checkout. With `customer`, an order of another customer is `None`. Without
/// it, the id is the capability. Locks: the order FOR KEY SHARE, because an answer is an
/// acknowledgement.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn read(
    db: &Database,
    shop: &Shop,
    checkout_id: CheckoutId,
    customer: Option<&Customer>,
) -> Result<Option<Order>, Failure> {
    let row = db
        .call_one(
            "select holdfast.order_read($1, $2, $3)",
            &[&shop, &checkout_id, &customer],
        )
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    json.map(order_from_json).transpose()
}
