//! The checkout function: API Gateway calls from the storefront.

use std::sync::Arc;

use holdfast_checkout::{App, Callers, handle};
use lambda_http::{Error, run_concurrent, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    shared::telemetry::init();
    let db = aws::database("holdfast-checkout")?;
    let app = Arc::new(App {
        db,
        callers: Callers::from_env()?,
    });
    run_concurrent(service_fn(move |request| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Error>(handle(&app, request).await) }
    }))
    .await
}
