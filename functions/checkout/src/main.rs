//! The checkout function: API Gateway calls from the storefront.

use gateways::{Accounts, CallLimits};
use holdfast_checkout::{App, Callers, router};
use holdfast_http::Front;
use operations::config::Fatal;

#[tokio::main]
async fn main() -> Result<(), Fatal> {
    operations::telemetry::init();
    let app = App {
        db: aws::database("holdfast-checkout")?,
        callers: Callers::from_env()?,
        accounts: Accounts::from_env(CallLimits::for_a_shopper(), aws::store)?,
    };
    holdfast_http::serve(router(app), Front::HttpApi).await
}
