//! The webhook function: gateways' webhooks at a function URL.

use std::sync::Arc;

use holdfast_webhook::{App, Keyring, Queue, handle};
use lambda_http::{Error, run_concurrent, service_fn};
use operations::config::Fatal;

#[tokio::main]
async fn main() -> Result<(), Fatal> {
    operations::telemetry::init();
    let app = Arc::new(App {
        secrets: Keyring::from_env()?,
        queue: Queue::from_env()?,
    });
    let serve = service_fn(move |request| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Error>(handle(&app, request).await) }
    });
    Ok(run_concurrent(serve).await?)
}
