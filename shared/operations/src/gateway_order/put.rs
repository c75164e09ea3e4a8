//! Keeps what a gateway made for a payment.

use serde_json::Value;
use tokio_postgres::types::Type;

use super::GatewayOrder;
use crate::db::{Database, Failure, from_json};
use crate::ids::{PaymentReference, Shop};
use crate::payment::Gateway;

/// A gateway's order or session that was just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// The shop.
    pub shop: Shop,
    /// Our reference of the payment.
    pub reference: PaymentReference,
    /// Who made it.
    pub gateway: Gateway,
    /// The gateway's id of it.
    pub gateway_order_id: String,
    /// What the storefront needs to take the payment: a JSON object.
    pub data: Value,
    /// In how many seconds the gateway lets it go by itself; none: never, or not said.
    pub expires_in_s: Option<i32>,
}

/// An order at a gateway that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// This one, now or before.
    This(GatewayOrder),
    /// Another one of the same payment is open there: use that, and close yours.
    Other(GatewayOrder),
}

/// Why it is not kept: close it. In order of precedence.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// There is no such payment.
    #[error("there is no such payment")]
    NotFound,
    /// It belongs to another payment.
    #[error("this order of the gateway's belongs to another payment")]
    Conflict,
    /// The order is paid or has ended, or this very one was closed: nobody is to pay by it.
    #[error("the order is paid or has ended")]
    Ended,
    /// Could not decide.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Keeps a gateway's order, once; a payment has one open one at a gateway.
///
/// Locks: the payment, the gateway's order.
///
/// # Errors
/// [`PutError`]; a refusal changes nothing.
pub async fn put(db: &Database, order: &Put) -> Result<Stored, PutError> {
    let row = db
        .call_one(
            "select * from holdfast.gateway_order_put($1, $2, $3, $4, $5, $6)",
            &[
                (&order.shop.as_str(), Type::TEXT),
                (&order.reference.as_str(), Type::TEXT),
                (&order.gateway.as_str(), Type::TEXT),
                (&order.gateway_order_id, Type::TEXT),
                (&order.data, Type::JSONB),
                (&order.expires_in_s, Type::INT4),
            ],
        )
        .await?;
    let kept = || from_json(row.get("o_gateway_order"));
    match row.get("o_outcome") {
        "put" | "same" => Ok(Stored::This(kept()?)),
        "exists" => Ok(Stored::Other(kept()?)),
        "not_found" => Err(PutError::NotFound),
        "conflict" => Err(PutError::Conflict),
        "ended" => Err(PutError::Ended),
        other => Err(Failure::unknown_outcome("gateway_order_put", other).into()),
    }
}
