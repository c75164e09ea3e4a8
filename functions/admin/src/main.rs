//! The admin function: API Gateway calls from the stock office.

use std::sync::Arc;
use std::time::Duration;

use holdfast_admin::{App, Callers, handle};
use lambda_http::{Error, run_concurrent, service_fn};
use operations::config::Fatal;

/// Clerks wait longer than shoppers: a search and the promises' check read much. It must stay below
/// API Gateway's 30 seconds.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> Result<(), Fatal> {
    operations::telemetry::init();
    let db = aws::database("holdfast-admin")?.with_call_timeout(CALL_TIMEOUT);
    let app = Arc::new(App {
        db,
        callers: Callers::from_env()?,
    });
    let serve = service_fn(move |request| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Error>(handle(&app, request).await) }
    });
    Ok(run_concurrent(serve).await?)
}
