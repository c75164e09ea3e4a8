//! The migrate function: a step of every deployment, run with the owner's credentials.

use holdfast_migrate::handle;
use lambda_runtime::{LambdaEvent, run, service_fn};
use operations::config::Fatal;
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Fatal> {
    operations::telemetry::init();
    Ok(run(service_fn(|event: LambdaEvent<Value>| handle(event))).await?)
}
