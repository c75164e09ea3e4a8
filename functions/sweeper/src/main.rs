//! The sweeper function: on a schedule.

use std::sync::Arc;
use std::time::Duration;

use gateway::{Accounts, Patience, Plan};
use holdfast_sweeper::{App, Subscribers, handle};
use lambda_runtime::{LambdaEvent, run, service_fn};
use serde_json::Value;
use shared::config::Fatal;

/// Nobody waits for a sweep, and the check of the promises reads whole shops.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> Result<(), Fatal> {
    shared::telemetry::init();
    let app = Arc::new(App {
        db: aws::database("holdfast-sweeper")?.with_patience(PATIENCE),
        accounts: Accounts::from_env(Patience::default(), aws::store)?,
        plan: Plan::from_env()?,
        subscribers: Subscribers::from_env()?,
        queue: aws::Announcements::from_env()?.map(|queue| Box::new(queue) as _),
    });
    let serve = service_fn(move |event: LambdaEvent<Value>| {
        let app = Arc::clone(&app);
        async move { handle(&app, event).await }
    });
    Ok(run(serve).await?)
}
