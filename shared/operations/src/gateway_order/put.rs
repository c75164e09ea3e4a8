//! Stores the gateway order of a payment.

use serde_json::Value;

use super::GatewayOrder;
use crate::db::{Database, Failure, from_json};
use crate::ids::{PaymentReference, Shop};
use crate::payment::Gateway;

/// A gateway's order or session that was just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    pub shop: Shop,
    /// Our reference of the payment.
    pub reference: PaymentReference,
    pub gateway: Gateway,
    pub gateway_order_id: String,
    /// A second id that the gateway shows for it.
    pub other_order_id: Option<String>,
    /// What the storefront needs to take the payment: a JSON object.
    pub data: Value,
    /// Seconds until the gateway ends it by itself. `None`: never, or unknown.
    pub expires_in_s: Option<i32>,
}

/// A stored gateway order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// This one, stored by this call or before.
    This(GatewayOrder),
    /// The payment already has another open one there: use that one, and close yours.
    Other(GatewayOrder),
}

/// Why it is not stored, in order of precedence. Close it.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    #[error("there is no such payment")]
    NotFound,
    #[error("this order of the gateway's belongs to another payment")]
    Conflict,
    #[error("the order is paid or has ended")]
    Ended,
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Stores a gateway order, once. A payment has one open gateway order at a gateway.
///
/// Locks: the payment, the gateway's order.
///
/// # Errors
/// [`PutError`]; a refusal changes nothing.
pub async fn put(db: &Database, order: &Put) -> Result<Stored, PutError> {
    let row = db
        .call_one(
            "select * from holdfast.gateway_order_put($1, $2, $3, $4, $5, $6, $7)",
            &[
                &order.shop,
                &order.reference,
                &order.gateway,
                &order.gateway_order_id,
                &order.data,
                &order.expires_in_s,
                &order.other_order_id,
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
