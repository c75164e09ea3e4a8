//! The payments function: batches of verified deliveries from the queue.

use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use holdfast_payments::handle;
use lambda_runtime::{Error, LambdaEvent, run_concurrent, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    shared::telemetry::init();
    let db = Arc::new(aws::database("holdfast-payments")?);
    run_concurrent(service_fn(move |event: LambdaEvent<SqsEvent>| {
        let db = Arc::clone(&db);
        async move { Ok::<_, Error>(handle(&db, event).await) }
    }))
    .await
}
