//! The webhook function: gateways' webhooks at a function URL.

use holdfast_http::Front;
use holdfast_webhook::{App, Keyring, Queue, router};
use operations::config::Fatal;

#[tokio::main]
async fn main() -> Result<(), Fatal> {
    operations::telemetry::init();
    let app = App {
        secrets: Keyring::from_env()?,
        queue: Queue::from_env()?,
    };
    holdfast_http::serve(router(app), Front::FunctionUrl).await
}
