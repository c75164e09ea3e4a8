//! Records one verified event of a gateway and does what it means, once.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{Event, EventKind, Gateway};
use crate::db::{Database, Failure};
use crate::ids::Shop;
use crate::telemetry::{self, Metric};

/// What an event did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The order is complete: stock deducted, once.
    Completed,
    /// The hold had ended; the stock was taken again and the order is complete.
    CompletedLate,
    /// The hold had ended and the stock is gone: the money is owed back, and that is announced.
    RefundDue,
    /// Amount or currency differs: a person decides, and that is announced.
    Review,
    /// The order is paid already, by another payment: this one is owed back, and that is announced.
    Excess,
    /// Stored; the payment may have risen, the stock is untouched.
    Recorded,
    /// Stored; it changed nothing.
    NoEffect,
    /// Stored before.
    Duplicate,
    /// Stored, but its reference is not known (yet): to be tried again, never to be acknowledged
    /// away.
    Parked,
}

/// What an event did, and to which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// What it did.
    pub outcome: Outcome,
    /// The order that it is about.
    pub order_id: Option<Uuid>,
}

/// Stores the event (once by shop, gateway and key) and applies it, all in one transaction.
///
/// Locks: the event, the checkout, the order, the payment, the coupon, then stock levels by sku.
///
/// # Errors
/// [`Failure`] when the database could not answer; nothing is stored then, and the event must be
/// tried again.
pub async fn record_event(
    db: &Database,
    shop: &Shop,
    gateway: Gateway,
    event: &Event,
) -> Result<Recorded, Failure> {
    let row = db
        .call_one(
            "call holdfast.payment_record_event($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            &[
                (&shop.as_str(), Type::TEXT),
                (&gateway.as_str(), Type::TEXT),
                (&event.key, Type::TEXT),
                (&event.reference, Type::TEXT),
                (&routine_kind(event.kind), Type::TEXT),
                (&event.amount_minor, Type::INT8),
                (&event.currency, Type::TEXT),
                (&event.gateway_payment_id, Type::TEXT),
                (&event.payload, Type::TEXT),
            ],
        )
        .await?;
    let outcome = match row.get("o_outcome") {
        "completed" => Outcome::Completed,
        "completed_late" => Outcome::CompletedLate,
        "refund_due" => Outcome::RefundDue,
        "review" => Outcome::Review,
        "excess" => Outcome::Excess,
        "recorded" => Outcome::Recorded,
        "no_effect" => Outcome::NoEffect,
        "duplicate" => Outcome::Duplicate,
        "parked" => Outcome::Parked,
        other => return Err(Failure::unknown_outcome("payment_record_event", other)),
    };
    count(outcome);
    Ok(Recorded {
        outcome,
        order_id: row.get("o_order_id"),
    })
}

fn count(outcome: Outcome) {
    let metrics: &[Metric] = match outcome {
        Outcome::Completed => &[Metric::OrdersPaid],
        Outcome::CompletedLate => &[Metric::OrdersPaid, Metric::LatePayments],
        Outcome::RefundDue => &[Metric::LatePayments, Metric::RefundsDue],
        Outcome::Excess => &[Metric::RefundsDue],
        Outcome::Review => &[Metric::Reviews],
        Outcome::Duplicate => &[Metric::EventsDuplicate],
        Outcome::Recorded | Outcome::NoEffect | Outcome::Parked => &[],
    };
    for metric in metrics {
        telemetry::count(*metric, 1);
    }
}

/// The kind as the routine takes it. It does not know refunds and disputes yet: they are kept, and
/// have no effect.
fn routine_kind(kind: EventKind) -> &'static str {
    match kind {
        EventKind::RefundPending
        | EventKind::RefundSettled
        | EventKind::RefundFailed
        | EventKind::Disputed => EventKind::Other.as_str(),
        known => known.as_str(),
    }
}
