//! Reads how much of all shops' stock is held without a try to pay.

use serde::Serialize;

use crate::db::{Database, Failure};

/// Held units of open checkouts, and of orders of which the gateway has reported nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Backlog {
    /// All of them.
    pub units: i32,
    /// The largest share of one sku, or of a whole shop, in percent, where at least 10 units are on
    /// hand.
    pub share: f64,
}

/// Reads them; in a cluster, on the nodes that answer. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn backlog(db: &Database) -> Result<Backlog, Failure> {
    let rows = db
        .call_each("select * from holdfast.hold_backlog($1)")
        .await?;
    Ok(rows.iter().fold(Backlog::default(), |sum, row| Backlog {
        units: sum.units.saturating_add(row.get("o_units")),
        share: sum.share.max(row.get("o_share")),
    }))
}
