//! Secrets Manager on this machine: a service of the stack's MiniStack.

use local::Stack;
use serde_json::{Value, json};

use crate::stack::aws;

/// One secret.
pub struct Vault<'a> {
    stack: &'a Stack,
    /// The value of the functions' variables `…_ARN`.
    pub arn: String,
}

impl<'a> Vault<'a> {
    /// A fresh secret with this text.
    pub async fn new(stack: &'a Stack, text: &str) -> Self {
        let name = format!("holdfast/{}", uuid::Uuid::new_v4());
        let made = action(
            stack,
            "CreateSecret",
            json!({ "Name": name, "SecretString": text }),
        );
        let arn = made.await["ARN"].as_str().unwrap().to_owned();
        Self { stack, arn }
    }

    /// Replaces the text at once.
    pub async fn put(&self, text: &str) {
        self.put_as("AWSCURRENT", text).await;
    }

    /// Adds a text that becomes current with [`Self::finish`]: the first step of a rotation.
    pub async fn put_pending(&self, text: &str) -> String {
        self.put_as("AWSPENDING", text).await
    }

    /// The last step of a rotation.
    pub async fn finish(&self, version: &str) {
        let answer = action(
            self.stack,
            "DescribeSecret",
            json!({ "SecretId": self.arn }),
        )
        .await;
        let stages = answer["VersionIdsToStages"].as_object().unwrap();
        let is_current = |stages: &Value| stages.as_array().unwrap().contains(&json!("AWSCURRENT"));
        let (current, _) = stages
            .iter()
            .find(|(_, stages)| is_current(stages))
            .unwrap();
        let request = json!({
            "SecretId": self.arn, "VersionStage": "AWSCURRENT", "MoveToVersionId": version,
            "RemoveFromVersionId": current,
        });
        action(self.stack, "UpdateSecretVersionStage", request).await;
    }

    async fn put_as(&self, stage: &str, text: &str) -> String {
        let request = json!({
            "SecretId": self.arn, "SecretString": text, "VersionStages": [stage],
            "ClientRequestToken": uuid::Uuid::new_v4(),
        });
        let answer = action(self.stack, "PutSecretValue", request).await;
        answer["VersionId"].as_str().unwrap().to_owned()
    }

    /// The environment with which a function finds the secret.
    pub fn environment(&self, variable: &'static str) -> [(&'static str, &str); 2] {
        [
            (variable, &self.arn),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &self.stack.sqs_endpoint),
        ]
    }
}

async fn action(stack: &Stack, action: &str, request: Value) -> Value {
    aws(stack, "secretsmanager", action, request).await
}
