//! Lists a shop's subscribers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Subscriber;
use crate::db::{Database, Failure, from_json};
use crate::ids::Shop;

/// The subscribers of a shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SubscriberList)]
pub struct Subscribers {
    /// All of them, sorted by name.
    #[schema(max_items = 20)]
    pub subscribers: Vec<Subscriber>,
}

/// All subscribers of a shop. There are too few for pages. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn list(db: &Database, shop: &Shop) -> Result<Subscribers, Failure> {
    let row = db
        .call_one("select holdfast.subscriber_list($1)", &[&shop])
        .await?;
    let subscribers = from_json(row.get(0))?;
    Ok(Subscribers { subscribers })
}
