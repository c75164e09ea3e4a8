//! Records many verified payment events of one shop in one call.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::record_event::{count, webhook_envelope};
use super::{Event, Gateway, Outcome, Recorded};
use crate::db::{Database, Failure};
use crate::ids::Shop;

/// Events in one call. A batch of SQS has ten.
pub const EVENTS_MAX: usize = 100;

/// Decides each event as [`record_event`](super::record_event()) does, in one call and one
/// transaction. `None`: nothing is decided, and the event must go alone. At most [`EVENTS_MAX`]
/// events. One try: after at most `call_max` for a connection, the call may take `call_max`. An
/// error says nothing about any event, and all of them must go alone.
///
/// Locks: the events by gateway and key, the checkouts by id, their orders and payments, new
/// captures, the coupons by code, the customers' counts, then stock levels by sku.
///
/// # Errors
/// [`Failure`].
pub async fn record_events(
    db: &Database,
    shop: &Shop,
    events: &[(Gateway, &Event)],
    call_max: Duration,
) -> Result<Vec<Option<Recorded>>, Failure> {
    let deadline = db.tries().deadline();
    let sent: Value = events
        .iter()
        .map(|(gateway, event)| row(*gateway, event))
        .collect();
    let by = deadline.min(Instant::now() + call_max);
    let node = db.of(shop.as_str(), by).await;
    let connected = node.connected(by).await?;
    let deadline = deadline.min(Instant::now() + call_max);
    let call = "call holdfast.payment_record_events($1, $2)";
    let row = connected.call_one(call, &[shop, &sent], deadline).await?;
    let outcomes: Vec<&str> = row.get("o_outcomes");
    let order_ids: Vec<Option<Uuid>> = row.get("o_order_ids");
    let answers = outcomes.into_iter().zip(order_ids).zip(events);
    answers
        .map(|((name, order_id), (_, event))| {
            if name == "apart" {
                return Ok(None);
            }
            let outcome = Outcome::parse(name)
                .ok_or_else(|| Failure::unknown_outcome("payment_record_events", name))?;
            count(event.kind, outcome);
            Ok(Some(Recorded {
                outcome,
                order_id,
                contradicts: false,
            }))
        })
        .collect()
}

/// The columns of `payment_events`.
fn row(gateway: Gateway, event: &Event) -> Value {
    json!({
        "gateway": gateway.as_str(),
        "event_key": event.key,
        "reference": event.reference,
        "kind": event.kind.as_str(),
        "amount_minor": event.amount_minor,
        "currency": event.currency,
        "gateway_payment_id": event.gateway_payment_id,
        "other_payment_id": event.other_payment_id,
        "payload": event.payload,
        "gateway_order_id": event.gateway_order_id,
        "refund_id": event.refund_id,
        "gateway_refund_id": event.gateway_refund_id,
        "dispute_id": event.dispute_id,
        "dispute_stage": event.dispute_stage.map(|stage| stage.as_str()),
        "webhook_envelope": webhook_envelope(event),
    })
}
