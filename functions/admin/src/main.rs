//! The admin function: API Gateway calls from the stock office.

use std::sync::Arc;

use holdfast_admin::{App, Callers, handle};
use lambda_http::{Error, run_concurrent, service_fn};
use shared::db::Database;

#[tokio::main]
async fn main() -> Result<(), Error> {
    shared::telemetry::init();
    let db = Database::from_env("holdfast-admin")?;
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
