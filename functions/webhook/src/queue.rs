//! The queue of verified deliveries (SQS).

use std::env;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageSystemAttributeNameForSends, MessageSystemAttributeValue};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use shared::config::ConfigError;
use shared::db::causes;
use shared::payment::Delivery;

/// How long one delivery may wait for the queue, tries included. A gateway that gets no answer
/// sends it again; one that waits for long is counted as down (Razorpay gives 5 seconds).
const SEND_TIMEOUT: Duration = Duration::from_secs(4);
/// One try of it.
const TRY_TIMEOUT: Duration = Duration::from_millis(1500);

/// Where verified deliveries go.
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// Reads `QUEUE_URL`, and region and credentials as every AWS SDK does.
    ///
    /// # Errors
    /// When `QUEUE_URL` is missing.
    pub async fn from_env() -> Result<Self, ConfigError> {
        let url = env::var("QUEUE_URL")
            .map_err(|_| ConfigError::Missing("QUEUE_URL", "the URL of the SQS queue of events"))?;
        // ring instead of the default provider: no C library to build, and a smaller binary
        let http = Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let timeouts = TimeoutConfig::builder()
            .operation_timeout(SEND_TIMEOUT)
            .operation_attempt_timeout(TRY_TIMEOUT)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .timeout_config(timeouts);
        if let Ok(region) = env::var("AWS_REGION") {
            loader = loader.region(Region::new(region));
        }
        Ok(Self {
            client: Client::new(&loader.load().await),
            url,
        })
    }

    /// Sends one delivery; returns the message's id when the queue has it. The header of the
    /// request's trace goes with it, so that one trace shows both functions.
    ///
    /// # Errors
    /// What went wrong, for the log.
    pub async fn send(&self, delivery: &Delivery, trace: Option<String>) -> Result<String, String> {
        let body = serde_json::to_string(delivery).map_err(|error| error.to_string())?;
        let mut message = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(body);
        if let Some(header) = trace {
            let header = MessageSystemAttributeValue::builder()
                .data_type("String")
                .string_value(header)
                .build()
                .map_err(|error| causes(&error))?;
            let name = MessageSystemAttributeNameForSends::AwsTraceHeader;
            message = message.message_system_attributes(name, header);
        }
        let sent = message.send().await.map_err(|error| causes(&error))?;
        Ok(sent.message_id.unwrap_or_default())
    }
}
