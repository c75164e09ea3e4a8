//! Reads the open gateway order of a payment.

use super::GatewayOrder;
use crate::db::{Database, Failure, from_json};
use crate::ids::{PaymentReference, Shop};
use crate::payment::Gateway;

/// The open order or session of a payment at a gateway. `None` if there is none, or if the gateway
/// ended it. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn read(
    db: &Database,
    shop: &Shop,
    reference: &PaymentReference,
    gateway: Gateway,
) -> Result<Option<GatewayOrder>, Failure> {
    let row = db
        .call_one(
            "select holdfast.gateway_order_read($1, $2, $3)",
            &[&shop, &reference, &gateway],
        )
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    json.map(from_json).transpose()
}
