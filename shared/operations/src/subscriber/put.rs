//! Creates or replaces a subscriber.

use super::Subscriber;
use crate::db::{Database, Failure, from_json};
use crate::ids::Shop;

/// A subscriber.
#[derive(Debug, Clone)]
pub struct Put {
    pub shop: Shop,
    pub name: String,
    pub url: String,
    /// The topics it wants. `None`: all.
    pub types: Option<Vec<String>>,
}

/// Why a subscriber is refused.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    #[error("there is no such shop")]
    UnknownShop,
    #[error("there are too many")]
    TooMany,
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Creates or replaces the subscriber. Returns whether it is new. Locks: the subscriber.
///
/// # Errors
/// [`PutError`]; a refusal changes nothing.
pub async fn put(db: &Database, put: &Put) -> Result<(bool, Subscriber), PutError> {
    let row = db
        .call_one(
            "select * from holdfast.subscriber_put($1, $2, $3, $4)",
            &[&put.shop, &put.name, &put.url, &put.types],
        )
        .await?;
    match row.get("o_outcome") {
        "created" => Ok((true, from_json(row.get("o_subscriber"))?)),
        "changed" => Ok((false, from_json(row.get("o_subscriber"))?)),
        "unknown_shop" => Err(PutError::UnknownShop),
        "too_many" => Err(PutError::TooMany),
        other => Err(Failure::unknown_outcome("subscriber_put", other).into()),
    }
}
