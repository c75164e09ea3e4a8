//! Reads a subscriber.

use super::{Name, Subscriber};
use crate::db::{Database, Failure, from_json};
use crate::ids::Shop;

/// Reads a subscriber and the state of its deliveries. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn read(db: &Database, shop: &Shop, name: &Name) -> Result<Option<Subscriber>, Failure> {
    let row = db
        .call_one("select holdfast.subscriber_read($1, $2)", &[&shop, &name])
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    json.map(from_json).transpose()
}
