//! Creates or replaces a subscriber.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{Name, Subscriber, SubscriberUrl};
use crate::db::{Database, Failure, from_json};
use crate::ids::Shop;
use crate::object::not_null;
use crate::outbox::Topic;
use crate::refusals;

/// Types of one subscriber: more than there are.
const TYPES_MAX: usize = 20;
const _: () = assert!(Topic::WORDS.len() <= TYPES_MAX, "the contract says 20");

/// A subscriber.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SubscriberPut)]
pub struct Put {
    pub url: SubscriberUrl,
    /// The announcement types that it gets. Default: all.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(min_items = 1, max_items = 20)]
    pub types: Option<Vec<Topic>>,
}

refusals! {
    /// Why a subscriber is refused.
    pub enum PutError {
        NumberOfTypes => Said::invalid("types", "must be 1 to 20 types; leave it out for all");
        UnknownShop => Said::not_found("shop");
        TooMany => Said::invalid("name", "is a new one, and the shop already has 20 subscribers");
    }
}

/// Creates or replaces the subscriber. Returns whether it is new. Locks: the subscriber.
///
/// # Errors
/// [`PutError`]; a refusal changes nothing.
pub async fn put(
    db: &Database,
    shop: &Shop,
    name: &Name,
    put: &Put,
) -> Result<(bool, Subscriber), PutError> {
    let types = put.types.as_ref();
    if types.is_some_and(|types| !(1..=TYPES_MAX).contains(&types.len())) {
        return Err(PutError::NumberOfTypes);
    }
    let row = db
        .call_one(
            "select * from holdfast.subscriber_put($1, $2, $3, $4)",
            &[&shop, &name, &put.url, &put.types],
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
