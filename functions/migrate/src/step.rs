//! A migration as a step of a deployment: a custom resource. CloudFormation calls the function and
//! waits until the function puts an answer to the URL in the call. A failure stops the deployment
//! and rolls it back.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The id of the resource. It never changes: CloudFormation deletes a resource whose id changed.
const PHYSICAL_ID: &str = "holdfast-database";
/// CloudFormation accepts answers of 4,096 bytes, ids included.
const REASON_CHARS_MAX: usize = 1000;
/// Without an answer, the deployment hangs until its timeout.
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
    /// ARN of the function's version. It ends in a number that only rises.
    release: Option<String>,
}

/// The answer to CloudFormation.
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
    /// The step in an event; none if it does not come from CloudFormation.
    ///
    /// # Errors
    /// When it comes from CloudFormation and can't be parsed.
    pub(crate) fn of(event: &Value) -> Result<Option<Self>, serde_json::Error> {
        if event.get("ResponseURL").is_none() {
            return Ok(None);
        }
        Self::deserialize(event).map(Some)
    }

    /// Why there is nothing to do, if so. The functions of the release before run on this schema:
    /// a rollback leaves it as it is, and works while the database is down. A deleted stack leaves
    /// the shop's data to its owner.
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
        // The signed URL is a secret: everybody who has it may answer. No error may show it.
        let failed = |error: reqwest::Error| Unanswered(error.without_url().into());
        let body = serde_json::to_string(&body).map_err(|error| Unanswered(error.into()))?;
        let client = reqwest::Client::builder()
            .timeout(TRY_TIMEOUT)
            .build()
            .map_err(failed)?;
        let mut tries = 1;
        loop {
            // The URL is signed for a request without a content type.
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
    /// The reason appears in the stack's events, whose readers may not be allowed to see data. It
    /// is the first line only: PostgreSQL shows rows in later lines (`DETAIL: Failing row contains
    /// …`), which stay in the log.
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
