//! Reads the health of a shop.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db::{Database, Failure, from_json};
use crate::ids::Shop;
use crate::utc::Utc;

/// What waits, and for how long. Ages are in seconds, and 0 where nothing waits. Counts stop at
/// 1,000.
// The database writes it as JSON of this shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// How long the oldest due checkout has been due.
    #[schema(minimum = 0)]
    pub due_s: i64,
    /// The age of the oldest announcement that the queue has not got.
    #[schema(minimum = 0)]
    pub unsent_s: i64,
    /// Parked events that report money.
    #[schema(minimum = 0, maximum = 1000)]
    pub parked: i64,
    /// The age of the oldest of them.
    #[schema(minimum = 0)]
    pub parked_s: i64,
    /// Refunds that failed and wait for a person.
    #[schema(minimum = 0, maximum = 1000)]
    pub refunds_failed: i64,
    /// The age of the oldest refund that its gateway has not accepted.
    #[schema(minimum = 0)]
    pub refunds_owed_s: i64,
    /// The age of the oldest refund that its gateway has accepted and not finished.
    #[schema(minimum = 0)]
    pub refunds_pending_s: i64,
    /// Subscribers that answered 410 and get nothing.
    #[schema(minimum = 0, maximum = 20)]
    pub subscribers_disabled: i64,
    /// The age of the oldest announcement that a subscriber waits for.
    #[schema(minimum = 0)]
    pub deliveries_waiting_s: i64,
    /// Deliveries that were given up within a day. At most 1,000 of each subscriber are counted.
    #[schema(minimum = 0)]
    pub deliveries_given_up: i64,
    /// Subjects that broke a promise when they were last checked.
    #[schema(minimum = 0, maximum = 1000)]
    pub breaches: i64,
    /// When everything that had changed was last checked. Null before the first check ended.
    #[schema(required = true)]
    pub checked_at: Option<Utc>,
    /// The database's clock at the answer.
    pub server_time: Utc,
}

/// Reads what waits in a shop. `None`: there is no such shop. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn read(db: &Database, shop: &Shop) -> Result<Option<Health>, Failure> {
    let row = db
        .call_one("select holdfast.health_read($1)", &[&shop])
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    json.map(from_json).transpose()
}
