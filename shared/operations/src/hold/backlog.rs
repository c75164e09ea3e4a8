//! Reads how much of all shops' stock is held without a try to pay.

use serde::Serialize;

use crate::db::{Database, Failure};

/// Held units of open checkouts, and of orders of which the gateway has reported nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Backlog {
    /// All of them.
    pub units: i32,
    /// The largest share of one sku, or of a whole shop, in percent, where at least 10 units are on
    /// hand.
    pub share: f64,
}

/// Reads them. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn backlog(db: &Database) -> Result<Backlog, Failure> {
    let row = db
        .call_one("select * from holdfast.hold_backlog()", &[])
        .await?;
    Ok(Backlog {
        units: row.get("o_units"),
        share: row.get("o_share"),
    })
}
