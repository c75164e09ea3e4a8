//! Writes down that a gateway's order is closed there.

use tokio_postgres::types::Type;

use crate::db::{Database, Failure};
use crate::ids::Shop;
use crate::payment::Gateway;

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Closed, now or before.
    Closed,
    /// There is no such order.
    NotFound,
}

/// Writes down that nobody can pay by this order or session any more. Locks: it.
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
            &[
                (&shop.as_str(), Type::TEXT),
                (&gateway.as_str(), Type::TEXT),
                (&gateway_order_id, Type::TEXT),
            ],
        )
        .await?;
    match row.get(0) {
        "closed" => Ok(Closed::Closed),
        "not_found" => Ok(Closed::NotFound),
        other => Err(Failure::unknown_outcome("gateway_order_close", other)),
    }
}
