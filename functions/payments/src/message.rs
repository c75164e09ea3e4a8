//! One message of the queue.

use aws_lambda_events::sqs::SqsMessage;
use operations::db::{Database, Failure};
use operations::ids::Shop;
use operations::payment::{
    self, Event, Gateway, Outcome, QueuedWebhook, QueuedWebhookError, Recorded,
};
use operations::telemetry;
use tracing::Span;
use tracing::field::{Empty, display};

use crate::outbox;

/// Why a webhook stays in the queue.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stays {
    #[error("the webhook can't be understood")]
    Poison(#[from] QueuedWebhookError),
    #[error("its payment reference is not known (yet)")]
    UnknownReference,
    #[error("the database was out of reach for a message before it")]
    Untried,
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// A message, and what it says.
pub(crate) struct Message {
    pub(crate) id: String,
    /// It continues the trace of the webhook.
    pub(crate) span: Span,
    pub(crate) said: Result<Said, QueuedWebhookError>,
}

/// An event of a gateway's account.
pub(crate) struct Said {
    pub(crate) shop: Shop,
    pub(crate) gateway: Gateway,
    pub(crate) event: Event,
}

impl Message {
    pub(crate) fn read(request_id: &str, message: &SqsMessage) -> Self {
        let span = span(request_id, message);
        let said = span.in_scope(|| read(message));
        Self {
            id: message.message_id.clone().unwrap_or_default(),
            span,
            said,
        }
    }

    /// Records the event, unless it is recorded already, and notes its order.
    pub(crate) async fn apply(
        self,
        db: &Database,
        recorded: Option<Recorded>,
        orders: &mut outbox::Orders,
    ) -> Result<(), Stays> {
        let said = self.said?;
        let recorded = match recorded {
            Some(recorded) => recorded,
            None => payment::record_event(db, &said.shop, said.gateway, &said.event).await?,
        };
        Span::current().record("order.id", recorded.order_id.map(display));
        tracing::info!(outcome = ?recorded.outcome, "recorded");
        // no effect, so there is nothing to announce
        if let (Some(order_id), false) = (
            recorded.order_id,
            matches!(recorded.outcome, Outcome::Duplicate | Outcome::NoEffect),
        ) {
            outbox::add(orders, &said.shop, order_id);
        }
        // Parked: stored but not applied, so the message must come again. An event about a refund
        // or a dispute is acknowledged all the same: gateways also refund payments that Holdfast
        // never saw, and banks dispute them. No later try would find their capture. If the capture
        // appears, the sweep applies the event.
        let kind = said.event.kind;
        if recorded.outcome == Outcome::Parked && !kind.is_refund() && !kind.is_dispute() {
            Err(Stays::UnknownReference)
        } else {
            Ok(())
        }
    }
}

fn read(message: &SqsMessage) -> Result<Said, QueuedWebhookError> {
    let body = message.body.as_deref().unwrap_or_default();
    let webhook: QueuedWebhook = serde_json::from_str(body)?;
    let span = Span::current();
    span.record("shop", webhook.shop.as_str());
    span.record("gateway", webhook.gateway.as_str());
    let event = webhook.event()?;
    span.record("event.key", &event.key);
    span.record("payment.reference", event.reference.as_deref());
    span.record("payment.id", event.gateway_payment_id.as_deref());
    Ok(Said {
        shop: webhook.shop,
        gateway: webhook.gateway,
        event,
    })
}

fn span(request_id: &str, message: &SqsMessage) -> Span {
    let trace = message.attributes.get("AWSTraceHeader");
    tracing::info_span!(
        "webhook",
        request.id = request_id,
        trace.id = trace.and_then(|header| telemetry::trace_id(header)),
        message.id = message.message_id,
        shop = Empty,
        gateway = Empty,
        event.key = Empty,
        payment.reference = Empty,
        payment.id = Empty,
        order.id = Empty,
    )
}
