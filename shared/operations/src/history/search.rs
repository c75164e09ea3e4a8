//! Finds checkouts, orders and payments by any of their ids.

use serde::Serialize;
use serde_json::Value;
use tokio_postgres::Row;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::{Database, Failure};
use crate::ids::{ONE_LINE, Shop, text_id};
use crate::page::SCAN_MAX;

/// Checkouts in one answer at most.
const FOUND_MAX: i32 = 20;
/// Rows of each list of a history at most: a cart has 50 lines.
pub(super) const ROWS_MAX: i32 = 200;

text_id!(
    /// Any id of ours or of a gateway; a payment's reference; a customer; a telephone number; or
    /// the beginning of a name.
    SearchText, 128, |c| !c.is_control(),
    "1 to 128 characters without control characters",
    ONE_LINE, "dress-06e7bd4x0hzhhaf4jj6wgy9q0c"
);

/// The results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SearchResult)]
pub struct Found {
    /// Each checkout with its whole history, the newest first.
    #[schema(value_type = Vec<History>, max_items = 20)]
    pub found: Value,
    /// Gateway events of payments that belong to no order here.
    #[schema(value_type = Vec<Object>, max_items = 200)]
    pub unmatched_events: Value,
    /// There are more checkouts than the answer shows.
    pub truncated: bool,
}

/// Everything that is known of one checkout: the rows as they are, for people, not for programs.
/// Each list has the newest 200 rows at most.
// Only its schema is needed: the database writes the JSON.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct History {
    #[schema(value_type = Object)]
    checkout: Value,
    /// Null unless staff ended the checkout: `actor`, `note`, `revoked_at`.
    #[schema(value_type = Option<Object>, required = true)]
    revocation: Value,
    #[schema(value_type = Vec<Object>, max_items = 200)]
    holds: Value,
    /// Null until the shopper orders.
    #[schema(value_type = Option<Object>, required = true)]
    order: Value,
    #[schema(value_type = Vec<Object>)]
    lines: Value,
    /// Null until the shopper orders.
    #[schema(value_type = Option<Object>, required = true)]
    payment: Value,
    #[schema(value_type = Vec<Object>, max_items = 200)]
    payment_events: Value,
    #[schema(value_type = Vec<Object>, max_items = 200)]
    captures: Value,
    #[schema(value_type = Vec<Object>, max_items = 200)]
    refunds: Value,
    #[schema(value_type = Vec<Object>, max_items = 200)]
    disputes: Value,
    #[schema(value_type = Vec<Object>, max_items = 200)]
    stock_movements: Value,
    #[schema(value_type = Vec<Object>, max_items = 200)]
    outbox_messages: Value,
}

/// Looks in every id, reference, customer, telephone number and name. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn search(db: &Database, shop: &Shop, text: &SearchText) -> Result<Found, Failure> {
    let statement = "select * from holdfast.history_search($1, $2, $3, $4, $5, $6)";
    let row = look_for(db, statement, shop, text).await?;
    Ok(Found {
        found: row.get("o_found"),
        unmatched_events: row.get("o_unmatched_events"),
        truncated: row.get("o_truncated"),
    })
}

/// One search, by a routine with these parameters.
pub(super) async fn look_for(
    db: &Database,
    statement: &str,
    shop: &Shop,
    text: &SearchText,
) -> Result<Row, Failure> {
    let id = Uuid::try_parse(text.as_str()).ok();
    db.call_one(
        statement,
        &[&shop, &text, &id, &FOUND_MAX, &ROWS_MAX, &SCAN_MAX],
    )
    .await
}
