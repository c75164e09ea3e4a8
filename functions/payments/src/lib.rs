//! Processes the queue of verified webhooks. Each webhook is stored and applied in one transaction,
//! and only then deleted from the queue. The usual webhooks of a batch share one transaction. A
//! message that fails is reported alone, so a poisoned message never blocks a batch. It comes
//! again. After its last try it goes to the dead-letter queue, for a person. The announcements of a
//! batch are sent right after it.

mod message;
mod outbox;
mod together;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use lambda_runtime::LambdaEvent;
use operations::cause::causes;
use operations::db::Database;
use operations::telemetry;
use tracing::Instrument as _;

use message::{Message, Stays};
pub use outbox::Outbox;

/// The state of one process.
pub struct App {
    pub db: Database,
    /// The relay of announcements.
    pub outbox: Outbox,
}

/// Processes one batch, and reports the messages that must come again. The usual events go
/// together. The others follow, one after the other. If the database cannot be reached, the rest of
/// the batch is reported untried: trying it would only use up the time. In a cluster, only a node
/// that did not answer is not tried again.
pub async fn handle(app: &App, event: LambdaEvent<SqsEvent>) -> SqsBatchResponse {
    let _metrics = telemetry::Flush;
    let request_id = event.context.request_id;
    let records = event.payload.records.iter();
    let messages: Vec<Message> = records.map(|one| Message::read(&request_id, one)).collect();
    let db = app.db.for_batch();
    let together = together::record(&db, &messages).await;
    let mut response = SqsBatchResponse::default();
    let mut out_of_reach = false;
    let mut orders = outbox::Orders::new();
    for (message, recorded) in messages.into_iter().zip(together) {
        let (id, span) = (message.id.clone(), message.span.clone());
        let stays = if out_of_reach && recorded.is_none() {
            Some(Stays::Untried)
        } else {
            let applied = message.apply(&db, recorded, &mut orders);
            applied.instrument(span.clone()).await.err()
        };
        if let Some(why) = stays {
            span.in_scope(|| tracing::warn!(causes = causes(&why), "stays in the queue"));
            out_of_reach |= !db.has_nodes()
                && matches!(&why, Stays::Failure(failure) if failure.is_out_of_reach());
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            response.batch_item_failures.push(failure);
        }
    }
    if !out_of_reach {
        app.outbox.send(&db, orders).await;
    }
    response
}
