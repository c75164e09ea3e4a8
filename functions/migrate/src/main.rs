//! The migrate function: a step of every deployment, run with the owner's credentials.

use holdfast_migrate::handle;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    shared::telemetry::init();
    run(service_fn(|event: LambdaEvent<Value>| handle(event))).await
}
