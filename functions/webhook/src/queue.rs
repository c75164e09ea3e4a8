//! The queue of verified webhooks (SQS).

use std::env;
use std::time::Duration;

use aws::{CallLimits, Queue as Sqs};
use operations::config::ConfigError;
use operations::payment::QueuedWebhook;

/// Time for one webhook, tries included. A gateway that gets no answer sends again. One that waits
/// too long counts the shop as down: Razorpay waits 5 seconds.
const CALL_LIMITS: CallLimits = CallLimits {
    call: Duration::from_secs(4),
    one_try: Duration::from_millis(1500),
};

/// The queue of verified webhooks.
pub struct Queue(Sqs);

impl Queue {
    /// Reads `QUEUE_URL`. Region and credentials come from where every AWS SDK reads them.
    ///
    /// # Errors
    /// When `QUEUE_URL` is missing.
    pub fn from_env() -> Result<Self, ConfigError> {
        let url = env::var("QUEUE_URL")
            .map_err(|_| ConfigError::Missing("QUEUE_URL", "the URL of the SQS queue of events"))?;
        Ok(Self(Sqs::new(url, CALL_LIMITS)))
    }

    /// Sends one webhook. Returns the message's id when the queue has it. The trace header goes
    /// along, so one trace shows both functions.
    ///
    /// # Errors
    /// The cause, for the log.
    pub async fn send(
        &self,
        webhook: &QueuedWebhook,
        trace: Option<String>,
    ) -> Result<String, String> {
        let body = serde_json::to_string(webhook).map_err(|error| error.to_string())?;
        self.0.send(body, trace).await
    }
}
