//! A client of one SQS queue, for sending.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::types::{MessageSystemAttributeNameForSends, MessageSystemAttributeValue};
use operations::cause::causes;
use tokio::sync::OnceCell;

use crate::sdk;

/// Time limits of a call.
#[derive(Debug, Clone, Copy)]
pub struct CallLimits {
    /// Time for a call, tries included.
    pub call: Duration,
    /// Time for one try.
    pub one_try: Duration,
}

/// One queue.
pub struct Queue {
    pub(crate) url: String,
    limits: CallLimits,
    client: OnceCell<Client>,
}

impl Queue {
    /// The queue with this URL. Region, credentials and endpoint come from where every AWS SDK
    /// reads them. Nothing is sent yet.
    #[must_use]
    pub fn new(url: String, limits: CallLimits) -> Self {
        Self {
            url,
            limits,
            client: OnceCell::const_new(),
        }
    }

    pub(crate) async fn client(&self) -> &Client {
        let connect = async || {
            let timeouts = TimeoutConfig::builder()
                .operation_timeout(self.limits.call)
                .operation_attempt_timeout(self.limits.one_try)
                .build();
            let config = Builder::from(sdk::config().await).timeout_config(timeouts);
            Client::from_conf(config.build())
        };
        self.client.get_or_init(connect).await
    }

    /// Sends one message. Returns its id when the queue has it. `trace` is the trace header to
    /// continue.
    ///
    /// # Errors
    /// The cause, for the log.
    pub async fn send(&self, body: String, trace: Option<String>) -> Result<String, String> {
        let request = self.client().await.send_message();
        let mut message = request.queue_url(&self.url).message_body(body);
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
