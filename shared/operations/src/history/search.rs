//! Finds checkouts, orders and payments by any of their ids.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::db::{Database, Failure};
use crate::ids::{ONE_LINE, Shop, text_id};
use crate::page::SCAN_MAX;

/// Checkouts in one answer at most.
const FOUND_MAX: i32 = 20;
/// Rows of each list of a history at most: a cart has 50 lines.
const ROWS_MAX: i32 = 200;

text_id!(
    /// The text to search: the id of a checkout, an order or a gateway's payment, a payment
    /// reference, or a customer.
    Query, 128, |c| !c.is_control(),
    "1 to 128 characters without control characters",
    ONE_LINE, "dress-06e7bd4x0hzhhaf4jj6wgy9q0c"
);

/// The results. The histories are the database's own JSON: its rows, for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Each checkout with its whole history, the newest first.
    pub found: Value,
    /// Payment events without an order.
    pub unmatched_events: Value,
    /// Whether there are more results.
    pub truncated: bool,
}

/// Looks in every id, reference and customer. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn search(db: &Database, shop: &Shop, query: &Query) -> Result<Found, Failure> {
    let row = db
        .call_one(
            "select * from holdfast.history_search($1, $2, $3, $4, $5, $6)",
            &[
                &shop,
                &query,
                &Uuid::try_parse(query.as_str()).ok(),
                &FOUND_MAX,
                &ROWS_MAX,
                &SCAN_MAX,
            ],
        )
        .await?;
    Ok(Found {
        found: row.get("o_found"),
        unmatched_events: row.get("o_unmatched_events"),
        truncated: row.get("o_truncated"),
    })
}
