//! Claims gateway orders that are due to be closed.

use tokio_postgres::Row;

use crate::db::{Database, Failure};
use crate::ids::Shop;
use crate::payment::Gateway;

/// An order or session to close at its gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub gateway: Gateway,
    pub gateway_order_id: String,
    /// Our reference of the payment.
    pub reference: String,
}

/// Claims up to `limit` gateway orders of a shop that must take no payment any more: paid, over, or
/// with a hold that ends within `before_s` seconds. Close each at the gateway, then
/// [here](super::close). Otherwise it is claimed again after a minute.
///
/// Locks: the gateways' orders (SKIP LOCKED).
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn due(
    db: &Database,
    shop: &Shop,
    limit: i32,
    before_s: i32,
) -> Result<Vec<Due>, Failure> {
    let rows = db
        .call(
            "select * from holdfast.gateway_order_due($1, $2, $3)",
            &[&shop, &limit, &before_s],
        )
        .await?;
    rows.iter().map(from_row).collect()
}

pub(super) fn from_row(row: &Row) -> Result<Due, Failure> {
    let gateway: &str = row.get("o_gateway");
    Ok(Due {
        gateway: gateway
            .parse()
            .map_err(|_| Failure::unknown_outcome("gateway_order_due", gateway))?,
        gateway_order_id: row.get("o_gateway_order_id"),
        reference: row.get("o_reference"),
    })
}
