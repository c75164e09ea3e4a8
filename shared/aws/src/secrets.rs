//! Secrets Manager.

use aws_sdk_secretsmanager::Client;
use operations::cause::{Cause, causes};
use operations::secret::{Fetching, Store, Version};
use tokio::sync::OnceCell;

use crate::sdk;

/// One secret.
pub struct SecretsManager {
    arn: String,
    client: OnceCell<Client>,
}

impl SecretsManager {
    /// The secret with this ARN or name. Nothing is fetched yet.
    #[must_use]
    pub fn new(arn: &str) -> Self {
        Self {
            arn: arn.to_owned(),
            client: OnceCell::const_new(),
        }
    }

    async fn get(&self, version: Version) -> Result<String, Cause> {
        let connect = async || Client::new(sdk::config().await);
        let client = self.client.get_or_init(connect).await;
        let stage = match version {
            Version::Current => "AWSCURRENT",
            Version::Pending => "AWSPENDING",
        };
        let answer = client
            .get_secret_value()
            .secret_id(&self.arn)
            .version_stage(stage)
            .send()
            .await
            .map_err(|error| {
                // never the Debug form: it may contain an answer that could not be parsed
                let why = causes(&error);
                format!("secret {} ({stage}) could not be fetched: {why}", self.arn)
            })?;
        let text = answer.secret_string;
        Ok(text.ok_or_else(|| format!("secret {} is binary: it must be text", self.arn))?)
    }
}

impl Store for SecretsManager {
    fn fetch(&self, version: Version) -> Fetching<'_> {
        Box::pin(self.get(version))
    }
}
