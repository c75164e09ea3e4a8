//! Lists a shop's subscribers.

use tokio_postgres::types::Type;

use super::{Subscriber, from_json};
use crate::db::{Database, Failure};
use crate::ids::Shop;

/// All subscribers of a shop, sorted by name: there are 20 at most. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn list(db: &Database, shop: &Shop) -> Result<Vec<Subscriber>, Failure> {
    let row = db
        .call_one(
            "select holdfast.subscriber_list($1)",
            &[(&shop.as_str(), Type::TEXT)],
        )
        .await?;
    from_json(row.get(0))
}
