//! Brings the database to the version of this code.

use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;
use shared::db;
use shared::migrate::{self, MigrateReport, Options, Release};

/// Applies what is missing. A failed file leaves nothing of itself behind; the invocation fails,
/// and with it the deployment. What a newer release has done stays; `{"put_back_routines": true}`
/// writes this release's routines over its routines all the same.
///
/// # Errors
/// When the database can't be reached or refuses a statement.
pub async fn handle(event: LambdaEvent<Value>) -> Result<MigrateReport, Error> {
    let request_id = event.context.request_id.as_str();
    let config = aws::database_config("holdfast-migrate")?;
    let options = Options {
        put_back_routines: event.payload.get("put_back_routines") == Some(&Value::Bool(true)),
    };
    let report = async {
        let mut client = db::connect(&config).await?;
        migrate::run_release(&mut client, &Release::this(), options).await
    }
    .await
    .inspect_err(|error| {
        tracing::error!(
            request.id = request_id,
            causes = db::causes(error),
            "not migrated"
        );
    })?;
    tracing::info!(
        request.id = request_id,
        applied = ?report.applied,
        routines = report.routines,
        left_to = report.left_to,
        "migrated"
    );
    Ok(report)
}
