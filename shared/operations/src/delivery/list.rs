//! The log of a subscriber.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::db::{Database, Failure};
use crate::ids::{Actor, Shop};
use crate::page::{self, After, ListRow, Page};
use crate::quantity::PageLimit;
use crate::subscriber::Name;
use crate::text::one_of;
use crate::utc::Utc;

one_of!(
    /// `waiting`: not tried yet. `failed`: tried, and to be tried again. `given_up`: no longer
    /// tried.
    DeliveryStatus, "waiting", "failed", "delivered", "given_up"
);

/// One announcement and what became of it at this subscriber.
// The database writes it as JSON of this shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LoggedDelivery)]
pub struct Logged {
    /// `webhook-id` of every try.
    #[schema(example = "msg_1458efd0e5df63f4cb8634e22aee39da")]
    pub message_id: String,
    /// The announcement's type, or `subscriber.test`.
    #[serde(rename = "type")]
    #[schema(example = "order.paid")]
    pub kind: String,
    /// With the type, the announcement's key.
    pub subject: String,
    /// What is sent as `data`. Null if the announcement is deleted.
    #[schema(value_type = Option<Object>, required = true)]
    pub data: Value,
    pub status: DeliveryStatus,
    /// Tries that the subscriber did not answer with 2xx, and the one that it did.
    #[schema(minimum = 0)]
    pub attempts: i32,
    /// When it was announced, or sent again.
    pub created_at: Utc,
    #[schema(required = true)]
    pub delivered_at: Option<Utc>,
    #[schema(required = true)]
    pub given_up_at: Option<Utc>,
    /// Null if it has ended.
    #[schema(required = true)]
    pub next_try_at: Option<Utc>,
    /// The answer or the error of the last failed try.
    #[schema(required = true)]
    pub last_error: Option<String>,
    /// Who sent it again, the last time. Null if nobody did.
    #[schema(value_type = Option<Actor>, required = true)]
    pub resent_by: Option<String>,
}

impl ListRow for Logged {
    const ROWS: &'static str = "deliveries";
}

/// The delivery that a page begins after.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Position {
    created_at: Utc,
    #[serde(rename = "type")]
    kind: String,
    subject: String,
}

impl page::Position for Position {
    const LIST: &'static str = "delivery_list";
}

/// Lists the deliveries to a subscriber, newest first. `None`: there is no such subscriber. Locks
/// nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn list(
    db: &Database,
    shop: &Shop,
    name: &Name,
    after: Option<&After<Position>>,
    limit: PageLimit,
) -> Result<Option<Page<Logged>>, Failure> {
    // PostgreSQL takes no NUL in a text.
    let text = |text: &str| text.replace('\0', "");
    let row = db
        .call_one(
            "select * from holdfast.delivery_list($1, $2, $3, $4, $5, $6)",
            &[
                &shop,
                &name,
                &after.map(|After(place)| place.created_at),
                &after.map(|After(place)| text(&place.kind)),
                &after.map(|After(place)| text(&place.subject)),
                &limit,
            ],
        )
        .await?;
    if !row.get::<_, bool>("o_found") {
        return Ok(None);
    }
    page::from_row::<Logged, Position>(&row, "o_deliveries").map(Some)
}
