//! Records parked events again whose payment or capture is known now.

use std::time::Instant;

use tokio_postgres::Row;

use super::event::DisputeStage;
use super::{Event, EventKind, Outcome, record_event};
use crate::db::{Database, Failure};
use crate::ids::Shop;

/// Events of one call. The next call continues.
pub const BATCH_MAX: i32 = 100;

/// The result for a shop's parked events.
#[derive(Debug, Default)]
pub struct Retried {
    /// Events that are no longer parked.
    pub unparked: i32,
    /// The first failure. It does not stop the events after it, unless the database cannot be
    /// reached.
    pub failure: Option<Failure>,
}

/// Records the oldest parked events of a shop that can be applied now, until `deadline`.
///
/// Locks: those of [`record_event`], one event after the other.
///
/// # Errors
/// [`Failure`] when the database could not list them.
pub async fn retry_parked(
    db: &Database,
    shop: &Shop,
    deadline: Instant,
) -> Result<Retried, Failure> {
    let rows = db
        .until(deadline)
        .call(
            "select * from holdfast.payment_parked_events($1, $2)",
            &[&shop, &BATCH_MAX],
        )
        .await?;
    let mut retried = Retried::default();
    for row in &rows {
        if Instant::now() >= deadline {
            break;
        }
        match retry(&db.until(deadline), shop, row).await {
            Ok(Outcome::Parked) => {}
            Ok(_) => retried.unparked += 1,
            Err(failure) => {
                // The database cannot be reached: trying the rest would only use up the sweep's
                // time.
                let out_of_reach = failure.is_out_of_reach();
                retried.failure.get_or_insert(failure);
                if out_of_reach {
                    break;
                }
            }
        }
    }
    Ok(retried)
}

async fn retry(db: &Database, shop: &Shop, row: &Row) -> Result<Outcome, Failure> {
    let unknown = |what: &str| Failure::unknown_outcome("payment_parked_events", what);
    let (gateway, kind): (&str, &str) = (row.get("gateway"), row.get("kind"));
    let kind = EventKind::parse(kind).ok_or_else(|| unknown(kind))?;
    let event = Event {
        reference: row.get("reference"),
        gateway_order_id: row.get("gateway_order_id"),
        amount_minor: row.get("amount_minor"),
        currency: row.get("currency"),
        gateway_payment_id: row.get("gateway_payment_id"),
        other_payment_id: row.get("other_payment_id"),
        refund_id: row.get("refund_id"),
        gateway_refund_id: row.get("gateway_refund_id"),
        dispute_id: row.get("dispute_id"),
        dispute_stage: row
            .get::<_, Option<&str>>("dispute_stage")
            .and_then(DisputeStage::parse),
        ..Event::new(row.get("event_key"), kind, row.get("payload"))
    };
    let gateway = gateway.parse().map_err(|_| unknown(gateway))?;
    let recorded = record_event(db, shop, gateway, &event).await?;
    tracing::info!(
        shop = %shop,
        gateway = %gateway,
        event.key = event.key,
        payment.reference = event.reference,
        payment.id = event.gateway_payment_id,
        order.id = recorded.order_id.map(tracing::field::display),
        outcome = ?recorded.outcome,
        "a parked event was tried again"
    );
    Ok(recorded.outcome)
}
