//! Claims refunds that are due to be sent to their gateways.

use tokio_postgres::Row;
use uuid::Uuid;

use crate::db::{Database, Failure};
use crate::ids::Shop;
use crate::payment::Gateway;

/// A refund to send to its gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Our id: the idempotency key at the gateway.
    pub refund_id: Uuid,
    /// The payment reference.
    pub reference: String,
    pub gateway: Gateway,
    /// The gateway's id of the payment.
    pub gateway_payment_id: String,
    /// Minor units of `currency`.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// The reason: one word, for the gateway's note.
    pub reason: String,
    /// The number of this try, from 1.
    pub attempts: i32,
}

/// Claims up to `limit` refunds of a shop, the longest waiting first. Each must be
/// [reported](super::report()) or [returned](super::untried()) within two minutes. After that
/// another caller claims it, and the gateway recognizes it by its id. Any number of callers may run
/// at once.
///
/// Locks: the refunds (SKIP LOCKED).
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn claim(db: &Database, shop: &Shop, limit: i32) -> Result<Vec<Claimed>, Failure> {
    let rows = db
        .call(
            "select * from holdfast.refund_claim($1, $2)",
            &[&shop, &limit],
        )
        .await?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Claimed, Failure> {
    let gateway: &str = row.get("o_gateway");
    Ok(Claimed {
        refund_id: row.get("o_refund_id"),
        reference: row.get("o_reference"),
        gateway: gateway
            .parse()
            .map_err(|_| Failure::unknown_outcome("refund_claim", gateway))?,
        gateway_payment_id: row.get("o_gateway_payment_id"),
        amount_minor: row.get("o_amount_minor"),
        currency: row.get("o_currency"),
        reason: row.get("o_reason"),
        attempts: row.get("o_attempts"),
    })
}
