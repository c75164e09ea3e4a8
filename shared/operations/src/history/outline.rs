//! Finds what [`search`](super::search()) finds, and reads only what a person recognizes it by.

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::search::{SearchText, look_for};
use crate::db::{Database, Failure, from_json};
use crate::ids::Shop;
use crate::utc::Utc;

/// One checkout.
// The database writes it as JSON of this shape.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outline {
    pub checkout_id: Uuid,
    pub customer: String,
    /// The order's, or the checkout's before there is an order.
    pub status: String,
    /// When the checkout began.
    pub created_at: Utc,
    /// The name in the order's address.
    pub recipient: Option<String>,
    /// The telephone number in the order's address.
    pub phone: Option<String>,
    /// The payment's reference.
    pub reference: Option<String>,
}

/// The results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlined {
    /// The newest first: at most 20.
    pub found: Vec<Outline>,
    /// Gateway events of payments that belong to no order here, as the search has them.
    pub unmatched_events: Value,
    /// There are more checkouts than the answer shows.
    pub truncated: bool,
}

/// Looks where the search looks. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn outline(db: &Database, shop: &Shop, text: &SearchText) -> Result<Outlined, Failure> {
    let statement = "select * from holdfast.history_outline($1, $2, $3, $4, $5, $6)";
    let row = look_for(db, statement, shop, text).await?;
    Ok(Outlined {
        found: from_json(row.get("o_found"))?,
        unmatched_events: row.get("o_unmatched_events"),
        truncated: row.get("o_truncated"),
    })
}
