//! Processes the queue of verified webhooks. Each webhook is stored and applied in one transaction,
//! and only then deleted from the queue. A message that fails is reported alone, so a poisoned
//! message never blocks a batch. It comes again. After its last try it goes to the dead-letter
//! queue, for a person. The announcements of a batch are sent right after it.

mod outbox;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::LambdaEvent;
use operations::cause::causes;
use operations::db::{Database, Failure};
use operations::payment::{self, Outcome, QueuedWebhook, QueuedWebhookError};
use operations::telemetry;
use tracing::field::{Empty, display};
use tracing::{Instrument as _, Span};

pub use outbox::Outbox;

/// The state of one process.
pub struct App {
    pub db: Database,
    /// The relay of announcements.
    pub outbox: Outbox,
}

/// Why a webhook stays in the queue.
#[derive(Debug, thiserror::Error)]
enum Stays {
    #[error("the webhook can't be understood")]
    Poison(#[from] QueuedWebhookError),
    #[error("its payment reference is not known (yet)")]
    UnknownReference,
    #[error("the database was out of reach for a message before it")]
    Untried,
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Processes one batch, one message after the other, and reports the messages that must come again.
/// If the database cannot be reached, the rest of the batch is reported untried: trying it would
/// only use up the time.
pub async fn handle(app: &App, event: LambdaEvent<SqsEvent>) -> SqsBatchResponse {
    let _metrics = telemetry::Flush;
    let request_id = event.context.request_id;
    let mut response = SqsBatchResponse::default();
    let mut out_of_reach = false;
    let mut orders = outbox::Orders::new();
    for message in event.payload.records {
        let message_id = message.message_id.clone().unwrap_or_default();
        let span = span(&request_id, &message);
        let stays = if out_of_reach {
            Some(Stays::Untried)
        } else {
            let applied = apply(&app.db, &message, &mut orders);
            applied.instrument(span.clone()).await.err()
        };
        if let Some(why) = stays {
            span.in_scope(|| tracing::warn!(causes = causes(&why), "stays in the queue"));
            out_of_reach |= matches!(&why, Stays::Failure(failure) if failure.is_out_of_reach());
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message_id;
            response.batch_item_failures.push(failure);
        }
    }
    if !out_of_reach {
        app.outbox.send(&app.db, orders).await;
    }
    response
}

/// The span of one message. It continues the trace of the webhook.
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

async fn apply(
    db: &Database,
    message: &SqsMessage,
    orders: &mut outbox::Orders,
) -> Result<(), Stays> {
    let body = message.body.as_deref().unwrap_or_default();
    let webhook: QueuedWebhook = serde_json::from_str(body).map_err(QueuedWebhookError::from)?;
    let span = Span::current();
    span.record("shop", webhook.shop.as_str());
    span.record("gateway", webhook.gateway.as_str());
    let event = webhook.event()?;
    span.record("event.key", &event.key);
    span.record("payment.reference", event.reference.as_deref());
    span.record("payment.id", event.gateway_payment_id.as_deref());
    let recorded = payment::record_event(db, &webhook.shop, webhook.gateway, &event).await?;
    span.record("order.id", recorded.order_id.map(display));
    tracing::info!(outcome = ?recorded.outcome, "recorded");
    // no effect, so there is nothing to announce
    if let (Some(order_id), false) = (
        recorded.order_id,
        matches!(recorded.outcome, Outcome::Duplicate | Outcome::NoEffect),
    ) {
        outbox::add(orders, &webhook.shop, order_id);
    }
    // Parked: stored but not applied, so the message must come again. An event about a refund or a
    // dispute is acknowledged all the same: gateways also refund payments that Holdfast never saw,
    // and banks dispute them. No later try would find their capture. If the capture appears, the
    // sweep applies the event.
    let is_afterwards = event.kind.is_refund() || event.kind.is_dispute();
    if recorded.outcome == Outcome::Parked && !is_afterwards {
        Err(Stays::UnknownReference)
    } else {
        Ok(())
    }
}
