//! Brings the database to the release of this code: as a step of a deployment ([`step`]), or when a
//! person invokes the function.

mod early_release;
pub mod iam_login;
mod migration;
mod step;

use lambda_runtime::{Error, LambdaEvent};
use operations::config::ConfigError;
use operations::{cause, db};
use serde_json::Value;

pub use early_release::{EarlyRelease, EarlyReleaseChoice};
pub use migration::{File, MigrateError, MigrateReport, Options, Release, run, run_release};
use step::{Answer, Step};

/// Applies the missing migrations. A failed file leaves nothing behind. A newer release in the
/// database stays as it is; `{"put_back_routines": true}` writes this release's routines over its
/// routines.
///
/// CloudFormation gets its answer at the URL in its call, also after a failure, and the invocation
/// succeeds. Any other caller gets the [`MigrateReport`], or a failed invocation.
///
/// # Errors
/// When the database can't be reached or refuses a statement, or an answer could not be given.
pub async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let request_id = event.context.request_id.as_str();
    let Some(step) = Step::of(&event.payload)? else {
        let options = Options {
            put_back_routines: event.payload.get("put_back_routines") == Some(&Value::Bool(true)),
            ..Options::default()
        };
        return Ok(serde_json::to_value(
            run_logged(request_id, options).await?,
        )?);
    };
    let answer = match step.leaves_the_database() {
        Some(why) => {
            tracing::info!(request.id = request_id, why, "nothing to migrate");
            Answer::Success
        }
        None => match run_logged(request_id, Options::default()).await {
            Ok(_) => Answer::Success,
            Err(error) => Answer::failed(&cause::causes(error.as_ref()), request_id),
        },
    };
    step.answer(&answer).await.inspect_err(|error| {
        tracing::error!(
            request.id = request_id,
            causes = cause::causes(error),
            "CloudFormation got no answer"
        );
    })?;
    Ok(Value::Null)
}

async fn run_logged(request_id: &str, options: Options) -> Result<MigrateReport, Error> {
    let report = migrate_and_grant(options).await.inspect_err(|error| {
        tracing::error!(
            request.id = request_id,
            causes = cause::causes(error.as_ref()),
            "not migrated"
        );
    })?;
    tracing::info!(
        request.id = request_id,
        applied = ?report.applied,
        routines = report.routines,
        left_to = report.left_to,
        early_release = report.early_release.as_ref().map(ToString::to_string),
        "migrated"
    );
    if !report.roles.is_empty() {
        tracing::warn!(
            request.id = request_id,
            roles = ?report.roles,
            "database roles differ from what they should be"
        );
    }
    Ok(report)
}

async fn migrate_and_grant(options: Options) -> Result<MigrateReport, Error> {
    let config = aws::database_config("holdfast-migrate")?;
    let options = Options {
        early_release: EarlyRelease::from_environment()?,
        ..options
    };
    let grants_iam_login = grants_iam_login()?;
    let mut client = db::connect(&config).await?;
    let report = run_release(&mut client, &Release::this(), options).await?;
    if grants_iam_login {
        iam_login::grant(&client).await?;
    }
    Ok(report)
}

/// `GRANT_IAM_LOGIN`: whether the functions log in by IAM, `yes` or `no` (the default).
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
