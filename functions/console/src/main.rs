//! The console function: pages for the people of a shop.

use std::time::Duration;

use holdfast_console::{App, Settings, router};
use holdfast_http::Front;
use operations::config::Fatal;

/// As the admin function: a search reads much.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> Result<(), Fatal> {
    operations::telemetry::init();
    let db = aws::database("holdfast-console")?.with_call_timeout(CALL_TIMEOUT);
    let app = App::new(db, Settings::from_env()?)?;
    holdfast_http::serve(router(app), Front::FunctionUrl).await
}
