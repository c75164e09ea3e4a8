//! The admin function: API Gateway calls from the stock office.

use std::time::Duration;

use holdfast_admin::{App, Callers, router};
use holdfast_http::Front;
use operations::config::Fatal;

/// Clerks wait longer than shoppers: a search and the promises' check read much. It must stay below
/// API Gateway's 30 seconds.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> Result<(), Fatal> {
    operations::telemetry::init();
    let app = App {
        db: aws::database("holdfast-admin")?.with_call_timeout(CALL_TIMEOUT),
        callers: Callers::from_env()?,
    };
    holdfast_http::serve(router(app), Front::HttpApi).await
}
