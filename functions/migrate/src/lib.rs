//! Brings the database to the version of this code.

use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;
use shared::db;
use shared::migrate::{self, MigrateReport};

/// Applies what is missing. A failed file leaves nothing of itself behind; the invocation fails,
/// and with it the deployment.
///
/// # Errors
/// When the database can't be reached or refuses a statement.
pub async fn handle(event: LambdaEvent<Value>) -> Result<MigrateReport, Error> {
    let request_id = event.context.request_id.as_str();
    let config = aws::database_config("holdfast-migrate")?;
    let report = async {
        let mut client = db::connect(&config).await?;
        migrate::run(&mut client).await
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
        "migrated"
    );
    Ok(report)
}
