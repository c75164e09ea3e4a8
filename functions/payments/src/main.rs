//! The payments function: batches of verified webhooks from the queue.

use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use holdfast_payments::{App, Outbox, handle};
use lambda_runtime::{Error, LambdaEvent, run_concurrent, service_fn};
use operations::config::Fatal;

#[tokio::main]
async fn main() -> Result<(), Fatal> {
    operations::telemetry::init();
    let queue = aws::Announcements::from_env()?;
    let app = Arc::new(App {
        db: aws::database("holdfast-payments")?,
        outbox: Outbox::new(queue.map(|queue| Box::new(queue) as _)),
    });
    let serve = service_fn(move |event: LambdaEvent<SqsEvent>| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Error>(handle(&app, event).await) }
    });
    Ok(run_concurrent(serve).await?)
}
