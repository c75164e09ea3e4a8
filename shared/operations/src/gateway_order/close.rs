//! Records that an order is closed at its gateway.

use crate::db::{Database, Failure};
use crate::ids::Shop;
use crate::payment::Gateway;

/// The result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Closed, by this call or before.
    Closed,
    /// The order does not exist.
    NotFound,
}

/// Records that the gateway order takes no payment any more. Locks: the gateway order.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn close(
    db: &Database,
    shop: &Shop,
    gateway: Gateway,
    gateway_order_id: &str,
) -> Result<Closed, Failure> {
    let row = db
        .call_one(
            "select holdfast.gateway_order_close($1, $2, $3)",
            &[&shop, &gateway, &gateway_order_id],
        )
        .await?;
    match row.get(0) {
        "closed" => Ok(Closed::Closed),
        "not_found" => Ok(Closed::NotFound),
        other => Err(Failure::unknown_outcome("gateway_order_close", other)),
    }
}
