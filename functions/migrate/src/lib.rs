//! Brings the database to the version of this code: as a step of a deployment, which CloudFormation
//! asks for and waits for ([`step`]), or when somebody invokes it.

mod step;

use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;
use shared::config::ConfigError;
use shared::migrate::{self, MigrateReport};
use shared::{db, iam_login};

use step::{Answer, Step};

/// Applies what is missing. A failed file leaves nothing of itself behind.
///
/// A deployment's step is answered where it says, whether it went well or not; the invocation then
/// succeeds. Invoked otherwise, the answer is the [`MigrateReport`], and a failure fails it.
///
/// # Errors
/// When the database can't be reached or refuses a statement, or an answer could not be given.
pub async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let request_id = event.context.request_id.as_str();
    let Some(step) = Step::of(&event.payload)? else {
        return Ok(serde_json::to_value(run(request_id).await?)?);
    };
    let answer = match step.leaves_the_database() {
        Some(why) => {
            tracing::info!(request.id = request_id, why, "nothing to migrate");
            Answer::Success
        }
        None => match run(request_id).await {
            Ok(_) => Answer::Success,
            Err(error) => Answer::failed(&db::causes(error.as_ref()), request_id),
        },
    };
    step.answer(&answer).await.inspect_err(|error| {
        tracing::error!(
            request.id = request_id,
            causes = db::causes(error),
            "the deployment was not answered"
        );
    })?;
    Ok(Value::Null)
}

async fn run(request_id: &str) -> Result<MigrateReport, Error> {
    let report = migrate_and_grant().await.inspect_err(|error| {
        tracing::error!(
            request.id = request_id,
            causes = db::causes(error.as_ref()),
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

async fn migrate_and_grant() -> Result<MigrateReport, Error> {
    let config = aws::database_config("holdfast-migrate")?;
    let grants_iam_login = grants_iam_login()?;
    let mut client = db::connect(&config).await?;
    let report = migrate::run(&mut client).await?;
    if grants_iam_login {
        iam_login::grant(&client).await?;
    }
    Ok(report)
}

/// `GRANT_IAM_LOGIN`: `yes` or `no` (the default), whether the functions log in by IAM.
fn grants_iam_login() -> Result<bool, ConfigError> {
    match std::env::var("GRANT_IAM_LOGIN").as_deref() {
        Err(_) | Ok("no") => Ok(false),
        Ok("yes") => Ok(true),
        Ok(other) => Err(ConfigError::Invalid {
            variable: "GRANT_IAM_LOGIN",
            reason: format!("must be `yes` or `no`, got {other:?}"),
        }),
    }
}
