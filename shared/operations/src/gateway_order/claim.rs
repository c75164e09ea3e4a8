//! Claims the open gateway orders of a checkout that has ended.

use super::due::{Due, from_row};
use crate::db::{Database, Failure};
use crate::ids::{CheckoutId, Shop};

/// Claims the gateway orders of an ended checkout that take payments still. Close each at the
/// gateway, then [here](super::close). Otherwise the sweeper claims it after a minute.
///
/// Locks: the gateways' orders (SKIP LOCKED).
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn claim(
    db: &Database,
    shop: &Shop,
    checkout_id: CheckoutId,
) -> Result<Vec<Due>, Failure> {
    let rows = db
        .call(
            "select * from holdfast.gateway_order_claim($1, $2)",
            &[&shop, &checkout_id],
        )
        .await?;
    rows.iter().map(from_row).collect()
}
