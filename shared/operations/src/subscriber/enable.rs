//! Enables a disabled subscriber.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{Name, Subscriber};
use crate::db::{Database, Failure, from_json};
use crate::ids::Shop;
use crate::utc::Utc;

/// Which disabling ends.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SubscriberEnable)]
pub struct Enable {
    /// As it was read. A subscriber that was disabled again since then stays disabled.
    pub disabled_at: Utc,
}

/// Enables a subscriber that was disabled at that time, for announcements from now on. Returns it;
/// None: unknown. Locks: the subscriber.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn enable(
    db: &Database,
    shop: &Shop,
    name: &Name,
    enable: Enable,
) -> Result<Option<Subscriber>, Failure> {
    let row = db
        .call_one(
            "select holdfast.subscriber_enable($1, $2, $3)",
            &[&shop, &name, &enable.disabled_at],
        )
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    json.map(from_json).transpose()
}
