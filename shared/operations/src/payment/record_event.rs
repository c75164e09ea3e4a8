//! Records one verified payment event and applies it, once.

use serde::Serialize;
use serde_json::{Value, json};
use time::UtcOffset;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Event, EventKind, Gateway};
use crate::db::{Database, Failure};
use crate::ids::{OrderId, Shop};
use crate::telemetry::{self, Metric};

/// The effect of an event: docs/state-machines.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PaymentOutcome)]
pub enum Outcome {
    /// The order is complete: the stock is deducted, once. Money beyond the total is owed back,
    /// which is announced.
    Completed,
    /// The hold had ended. The stock was held again, and the order is complete.
    CompletedLate,
    /// The hold had ended and the stock is gone. The money is owed back, which is announced.
    RefundDue,
    /// The amount or currency differs: a person decides, which is announced. Or only a part of the
    /// total arrived: the order waits for the rest.
    Review,
    /// The order was already paid by another payment. This one is owed back, which is announced.
    Excess,
    /// Stored. A payment's or refund's status may have changed. The stock did not.
    Recorded,
    /// Stored, without effect.
    NoEffect,
    /// Already stored.
    Duplicate,
    /// Stored, but its payment or capture is unknown. It must come again and must not be
    /// acknowledged.
    Parked,
}

impl Outcome {
    const ALL: [Self; 9] = [
        Self::Completed,
        Self::CompletedLate,
        Self::RefundDue,
        Self::Review,
        Self::Excess,
        Self::Recorded,
        Self::NoEffect,
        Self::Duplicate,
        Self::Parked,
    ];

    /// Its name in the database and in the HTTP contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::CompletedLate => "completed_late",
            Self::RefundDue => "refund_due",
            Self::Review => "review",
            Self::Excess => "excess",
            Self::Recorded => "recorded",
            Self::NoEffect => "no_effect",
            Self::Duplicate => "duplicate",
            Self::Parked => "parked",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == name)
    }
}

/// The effect of an event, and its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PaymentRedriven)]
pub struct Recorded {
    pub outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<OrderId>)]
    pub order_id: Option<Uuid>,
    /// An event with this key was stored before, and reported other facts. The stored facts count,
    /// and both messages are kept.
    pub contradicts: bool,
}

/// Stores the event (once by shop, gateway and key) and applies it, in one transaction.
///
/// Locks: the event, the checkout, the order, the payment, the coupon, stock levels by sku, then
/// refunds and captures.
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
    let envelope = webhook_envelope(event);
    let row = db
        .call_one(
            "call holdfast.payment_record_event(
                $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
            &[
                &shop,
                &gateway,
                &event.key,
                &event.reference,
                &event.kind,
                &event.amount_minor,
                &event.currency,
                &event.gateway_payment_id,
                &event.payload,
                &event.gateway_order_id,
                &event.refund_id,
                &event.gateway_refund_id,
                &envelope,
                &event.dispute_id,
                &event.dispute_stage,
                &event.other_payment_id,
            ],
        )
        .await?;
    let name: &str = row.get("o_outcome");
    let outcome = Outcome::parse(name)
        .ok_or_else(|| Failure::unknown_outcome("payment_record_event", name))?;
    count(event.kind, outcome);
    let contradicts = row.get("o_contradicts");
    if contradicts {
        tracing::warn!(
            shop = %shop,
            gateway = %gateway,
            event.key = event.key,
            "a message contradicts the stored event of its key"
        );
    }
    Ok(Recorded {
        outcome,
        order_id: row.get("o_order_id"),
        contradicts,
    })
}

pub(super) fn count(kind: EventKind, outcome: Outcome) {
    let metrics: &[Metric] = match outcome {
        Outcome::Recorded if kind == EventKind::Disputed => &[Metric::Disputes],
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

/// The webhook's headers and its time of arrival, for people. None for an event that this service
/// asked for.
pub(super) fn webhook_envelope(event: &Event) -> Option<Value> {
    let received_at = event.received_at?.to_offset(UtcOffset::UTC);
    let received_at = received_at.format(&Rfc3339).ok();
    Some(json!({ "headers": event.headers, "received_at": received_at }))
}
