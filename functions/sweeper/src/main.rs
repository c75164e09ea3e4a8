//! The sweeper function: on a schedule.

use std::sync::Arc;
use std::time::Duration;

use holdfast_sweeper::handle;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

/// Nobody waits for a sweep, and the check of the promises reads whole shops.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> Result<(), Error> {
    shared::telemetry::init();
    let db = Arc::new(aws::database("holdfast-sweeper")?.with_patience(PATIENCE));
    run(service_fn(move |event: LambdaEvent<Value>| {
        let db = Arc::clone(&db);
        async move { handle(&db, event).await }
    }))
    .await
}
