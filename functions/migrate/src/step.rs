//! CloudFormation's side of a migration: a custom resource. CloudFormation calls the function, and
//! waits until somebody puts an answer to the URL that came with the call. A "no" stops the
//! deployment and rolls it back.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The one thing that the resource stands for. It never changes: another id would make
/// CloudFormation delete what the first one stood for.
const PHYSICAL_ID: &str = "holdfast-database";
/// CloudFormation takes answers of 4,096 bytes, the ids included.
const REASON_CHARS_MAX: usize = 1000;
/// Without an answer the deployment hangs until its time is over: worth more than one try.
const TRIES_MAX: u32 = 4;
const TRY_TIMEOUT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(1);

/// A call by CloudFormation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Step {
    request_type: RequestType,
    #[serde(rename = "ResponseURL")]
    response_url: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    #[serde(default)]
    resource_properties: Properties,
    #[serde(default)]
    old_resource_properties: Properties,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum RequestType {
    Create,
    Update,
    Delete,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    /// ARN of the function's version: it ends in a number that only rises.
    release: Option<String>,
}

/// What CloudFormation is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Success,
    Failed { reason: String },
}

/// The answer did not reach CloudFormation.
#[derive(Debug, thiserror::Error)]
#[error("the answer could not be put to the URL that CloudFormation gave")]
pub(crate) struct Unanswered(#[source] Box<dyn std::error::Error + Send + Sync>);

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    physical_resource_id: &'static str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
}

impl Step {
    /// The step that an event is, or none if somebody else invokes the function.
    ///
    /// # Errors
    /// When it wants an answer and can't be understood.
    pub(crate) fn of(event: &Value) -> Result<Option<Self>, serde_json::Error> {
        if event.get("ResponseURL").is_none() {
            return Ok(None);
        }
        Self::deserialize(event).map(Some)
    }

    /// Why there is nothing to do, if so. Migrations only expand, and the functions of the release
    /// before run on what this one made: a rollback leaves it, and works while the database is
    /// down. A stack that is deleted leaves the shop's data to its owner.
    pub(crate) fn leaves_the_database(&self) -> Option<&'static str> {
        match self.request_type {
            RequestType::Delete => Some("the stack no longer needs it; the data stays"),
            RequestType::Update if self.goes_back() => Some("a release is rolled back"),
            RequestType::Create | RequestType::Update => None,
        }
    }

    fn goes_back(&self) -> bool {
        let wanted = version(self.resource_properties.release.as_deref());
        let current = version(self.old_resource_properties.release.as_deref());
        matches!((wanted, current), (Some(wanted), Some(current)) if wanted < current)
    }

    pub(crate) async fn answer(&self, answer: &Answer) -> Result<(), Unanswered> {
        let (status, reason) = match answer {
            Answer::Success => ("SUCCESS", None),
            Answer::Failed { reason } => ("FAILED", Some(reason.as_str())),
        };
        let body = Body {
            status,
            reason,
            physical_resource_id: PHYSICAL_ID,
            stack_id: &self.stack_id,
            request_id: &self.request_id,
            logical_resource_id: &self.logical_resource_id,
        };
        // The URL is signed, and whoever has it may answer: it must not stand in an error.
        let failed = |error: reqwest::Error| Unanswered(error.without_url().into());
        let body = serde_json::to_string(&body).map_err(|error| Unanswered(error.into()))?;
        let client = reqwest::Client::builder()
            .timeout(TRY_TIMEOUT)
            .build()
            .map_err(failed)?;
        let mut tries = 1;
        loop {
            // Signed with no content type, so that is what must be sent.
            let put = client
                .put(&self.response_url)
                .header(reqwest::header::CONTENT_TYPE, "")
                .body(body.clone());
            let put = put.send().await;
            match put.and_then(reqwest::Response::error_for_status) {
                Ok(_) => return Ok(()),
                Err(error) if tries == TRIES_MAX => return Err(failed(error)),
                Err(_) => tokio::time::sleep(PAUSE * tries).await,
            }
            tries += 1;
        }
    }
}

impl Answer {
    /// What a person reads among the stack's events, who may not be allowed to see data. Of rows
    /// PostgreSQL tells in lines of their own (`DETAIL: Failing row contains …`): those stay in the
    /// log.
    pub(crate) fn failed(causes: &str, request_id: &str) -> Self {
        let first: String = causes
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(REASON_CHARS_MAX)
            .collect();
        let reason = format!("not migrated: {first} (in the log: request.id {request_id})");
        Self::Failed { reason }
    }
}

fn version(arn: Option<&str>) -> Option<u64> {
    arn?.rsplit(':').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:holdfast-migrate";

    fn step(request_type: &str, wanted: u32, current: Option<u32>) -> Step {
        let release = |version| json!({ "Release": format!("{FUNCTION}:{version}") });
        let event = json!({
            "RequestType": request_type,
            "ResponseURL": "https://example.com/",
            "StackId": "s", "RequestId": "r", "LogicalResourceId": "Migration",
            "ResourceType": "Custom::DatabaseMigration",
            "ResourceProperties": release(wanted),
            "OldResourceProperties": current.map_or(json!({}), release),
        });
        Step::of(&event)
            .expect("an event of CloudFormation")
            .expect("a step")
    }

    #[test]
    fn a_release_migrates_and_a_rollback_does_not() {
        let migrates = |step: Step| step.leaves_the_database().is_none();
        assert!(migrates(step("Create", 1, None)));
        assert!(migrates(step("Update", 10, Some(9))));
        // The same code for another database, or other endpoints.
        assert!(migrates(step("Update", 9, Some(9))));
        assert!(!migrates(step("Update", 9, Some(10))));
        assert!(!migrates(step("Delete", 9, None)));
    }

    #[test]
    fn what_wants_no_answer_is_no_step() {
        assert!(matches!(Step::of(&json!({})), Ok(None)));
        assert!(matches!(Step::of(&Value::Null), Ok(None)));
        let odd = json!({ "ResponseURL": "https://example.com/", "RequestType": "Destroy" });
        assert!(Step::of(&odd).is_err());
    }

    #[test]
    fn a_reason_is_short_and_tells_no_rows() {
        let causes =
            "V0099 failed: db error: ERROR: check\nDETAIL: Failing row contains (asha@example.com)";
        let Answer::Failed { reason } = Answer::failed(causes, "r-1") else {
            panic!("a failure");
        };
        assert_eq!(
            reason,
            "not migrated: V0099 failed: db error: ERROR: check (in the log: request.id r-1)"
        );
        let Answer::Failed { reason } = Answer::failed(&"x".repeat(5000), "r-1") else {
            panic!("a failure");
        };
        assert!(reason.len() < 1100);
    }
}
