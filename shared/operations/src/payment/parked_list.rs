//! One page of the parked events that report money.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Gateway;
use crate::db::{Database, Failure};
use crate::ids::Shop;
use crate::page::{self, After, ListRow, Page};
use crate::quantity::PageLimit;
use crate::text::EventKey;
use crate::utc::Utc;

/// A parked event that reports money.
// The database writes it with more members, which this list does not show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ParkedEvent)]
pub struct ParkedEvent {
    #[schema(value_type = Gateway)]
    pub gateway: String,
    #[schema(value_type = EventKey)]
    pub event_key: String,
    /// The reference that the gateway reported. No payment here has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// In minor units of `currency`. Missing if the event had no valid amount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "INR")]
    pub currency: Option<String>,
    /// The gateway's id of the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_payment_id: Option<String>,
    /// The gateway's id of its order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_order_id: Option<String>,
    pub received_at: Utc,
}

impl ListRow for ParkedEvent {
    const ROWS: &'static str = "events";
}

/// The event that a page begins after.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Position {
    received_at: Utc,
    gateway: Gateway,
    event_key: EventKey,
}

impl page::Position for Position {
    const LIST: &'static str = "payment_parked_list";
}

/// Lists parked events that report money, oldest first. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn parked_list(
    db: &Database,
    shop: &Shop,
    after: Option<&After<Position>>,
    limit: PageLimit,
) -> Result<Page<ParkedEvent>, Failure> {
    let row = db
        .call_one(
            "select * from holdfast.payment_parked_list($1, $2, $3, $4, $5)",
            &[
                &shop,
                &after.map(|After(place)| place.received_at),
                &after.map(|After(place)| place.gateway),
                &after.map(|After(place)| &place.event_key),
                &limit,
            ],
        )
        .await?;
    page::from_row::<ParkedEvent, Position>(&row, "o_events")
}
