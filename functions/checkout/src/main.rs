//! The checkout function: API Gateway calls from the storefront.

use std::sync::Arc;

use gateways::{Accounts, CallLimits};
use holdfast_checkout::{App, Callers, handle};
use lambda_http::{Error, run_concurrent, service_fn};
use operations::config::Fatal;

#[tokio::main]
async fn main() -> Result<(), Fatal> {
    operations::telemetry::init();
    let db = aws::database("holdfast-checkout")?;
    let app = Arc::new(App {
        db,
        callers: Callers::from_env()?,
        accounts: Accounts::from_env(CallLimits::for_a_shopper(), aws::store)?,
    });
    let serve = service_fn(move |request| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Error>(handle(&app, request).await) }
    });
    Ok(run_concurrent(serve).await?)
}
