//! The sweeper function: on a schedule.

use std::sync::Arc;
use std::time::Duration;

use gateways::{Accounts, CallLimits};
use holdfast_sweeper::{App, Plan, Subscribers, handle};
use lambda_runtime::{LambdaEvent, run, service_fn};
use operations::config::Fatal;
use serde_json::Value;

/// A sweep may take longer than a shopper's call: the promises' check reads whole shops.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> Result<(), Fatal> {
    operations::telemetry::init();
    let app = Arc::new(App {
        db: aws::database("holdfast-sweeper")?.with_call_timeout(CALL_TIMEOUT),
        accounts: Accounts::from_env(CallLimits::default(), aws::store)?,
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
