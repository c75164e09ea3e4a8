//! The queue of verified payment events, and its event source mapping: what Lambda does between
//! SQS and a function.
//!
//! Batches of up to 10 go to the function; what it reports as failed stays in the queue and
//! comes again, the rest is deleted; after its last receive a message goes to the dead-letter
//! queue.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::Error;
use crate::lambda::{Host, QUEUE_WAIT_DEFAULT, REGION};
use crate::stopping::Stopping;

pub const QUEUE: &str = "holdfast-payment-events";
pub const DEAD_LETTER_QUEUE: &str = "holdfast-payment-events-dead";
/// Announcements, for whoever subscribes; nobody here does.
pub const OUTBOX: &str = "holdfast-outbox.fifo";

/// The timeout of the function behind the queue, kept here beside what depends on it. Above the 8
/// seconds that one of its calls of the database may take, which it reports by itself.
pub(crate) const FUNCTION_TIMEOUT: Duration = Duration::from_secs(10);
/// AWS advises six times the function's timeout, so that no batch runs twice at once. Here it is a
/// second above what a batch can take, which is that timeout and the wait for a free process: long
/// enough for the same reason, short enough that a batch whose function was killed comes again
/// while the person who killed it still looks.
const VISIBILITY_DEFAULT: Duration =
    Duration::from_secs(FUNCTION_TIMEOUT.as_secs() + QUEUE_WAIT_DEFAULT.as_secs() + 1);
/// As in template.yaml.
const RECEIVES_MAX_DEFAULT: u32 = 20;
const BATCH_MAX: i32 = 10;
const LONG_POLL_S: i32 = 10;
/// After SQS itself failed.
const PAUSE: Duration = Duration::from_secs(1);

/// How often the queue gives a message out, and how far apart.
#[derive(Debug, Clone)]
pub struct QueueOptions {
    /// How often a message is received before it goes to the dead-letter queue.
    pub receives_max: u32,
    /// How long a received message is hidden; whole seconds.
    pub visibility: Duration,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            receives_max: RECEIVES_MAX_DEFAULT,
            visibility: VISIBILITY_DEFAULT,
        }
    }
}

/// A client of plain HTTP without TLS: the endpoint is on this machine.
fn client(endpoint: &str) -> Client {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url(endpoint)
        .http_client(http)
        .build();
    Client::from_conf(config)
}

/// The queue with its dead-letter queue behind it, and the queue of announcements beside it.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    client: Client,
    pub(crate) url: String,
    pub(crate) dead_letter_url: String,
    pub(crate) outbox_url: String,
    arn: String,
}

impl Queue {
    /// Makes the queues, or finds them.
    pub(crate) async fn create(endpoint: &str, options: &QueueOptions) -> Result<Self, Error> {
        Self::create_with(client(endpoint), options)
            .await
            .map_err(|detail| Error::Sqs {
                endpoint: endpoint.to_owned(),
                detail,
            })
    }

    async fn create_with(client: Client, options: &QueueOptions) -> Result<Self, String> {
        let dead_letter_url = create(&client, DEAD_LETTER_QUEUE, HashMap::new()).await?;
        let target = arn(&client, &dead_letter_url).await?;
        let redrive =
            json!({ "deadLetterTargetArn": target, "maxReceiveCount": options.receives_max });
        let attributes = HashMap::from([
            (
                QueueAttributeName::VisibilityTimeout,
                options.visibility.as_secs().to_string(),
            ),
            (QueueAttributeName::RedrivePolicy, redrive.to_string()),
        ]);
        let url = create(&client, QUEUE, attributes).await?;
        let arn = arn(&client, &url).await?;
        let fifo = HashMap::from([(QueueAttributeName::FifoQueue, "true".to_owned())]);
        let outbox_url = create(&client, OUTBOX, fifo).await?;
        Ok(Self {
            client,
            url,
            dead_letter_url,
            outbox_url,
            arn,
        })
    }

    /// How many messages are in the queue, on their way included, and how many are dead letters.
    pub(crate) async fn depths(&self) -> Result<(u64, u64), String> {
        Ok((
            depth(&self.client, &self.url).await?,
            depth(&self.client, &self.dead_letter_url).await?,
        ))
    }

    /// Starts the pollers that feed `function`.
    pub(crate) fn feed(
        &self,
        host: &Arc<Host>,
        function: &'static str,
        pollers: usize,
        stopping: &Stopping,
    ) -> Vec<JoinHandle<()>> {
        let poller = |_| {
            let (queue, host) = (self.clone(), Arc::clone(host));
            tokio::spawn(queue.poll(host, function, stopping.clone()))
        };
        (0..pollers).map(poller).collect()
    }

    async fn poll(self, host: Arc<Host>, function: &'static str, mut stopping: Stopping) {
        while !stopping.is_set() {
            let received = tokio::select! {
                received = self.receive() => received,
                () = stopping.wait() => return,
            };
            match received {
                Ok(messages) if messages.is_empty() => {}
                // From here to the deletion the switch has no say: a batch is finished.
                Ok(messages) => self.hand_over(&host, function, messages).await,
                Err(detail) => {
                    tracing::warn!("receiving from {QUEUE}: {detail}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn receive(&self) -> Result<Vec<Message>, String> {
        let received = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(BATCH_MAX)
            .wait_time_seconds(LONG_POLL_S)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await
            .map_err(|error| detail(&error))?;
        Ok(received.messages.unwrap_or_default())
    }

    async fn hand_over(&self, host: &Host, function: &str, messages: Vec<Message>) {
        let records: Vec<Value> = messages
            .iter()
            .map(|message| self.record(message))
            .collect();
        let event = json!({ "Records": records }).to_string();
        let failed = match host.invoke(function, event.into_bytes()).await {
            Ok(answer) => failures(&answer, &messages),
            Err(error) => {
                tracing::warn!(
                    "{function}: a batch of {} comes again: {error}",
                    messages.len()
                );
                None
            }
        };
        // `None`: the whole batch failed.
        let Some(failed) = failed else { return };
        if !failed.is_empty() {
            tracing::debug!("{function}: {} of {} failed", failed.len(), messages.len());
        }
        let done = messages
            .iter()
            .filter(|message| !failed.contains(id(message)));
        if let Err(detail) = self.delete(done).await {
            // They come again, which the function is made for.
            tracing::warn!("deleting from {QUEUE}: {detail}");
        }
    }

    async fn delete(&self, messages: impl Iterator<Item = &Message>) -> Result<(), String> {
        let mut entries = Vec::new();
        for (index, message) in messages.enumerate() {
            let entry = DeleteMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(message.receipt_handle().unwrap_or_default())
                .build()
                .map_err(|error| error.to_string())?;
            entries.push(entry);
        }
        if entries.is_empty() {
            return Ok(());
        }
        let request = self.client.delete_message_batch().queue_url(&self.url);
        let deleted = request.set_entries(Some(entries)).send().await;
        deleted.map(drop).map_err(|error| detail(&error))
    }

    fn record(&self, message: &Message) -> Value {
        let attributes: HashMap<&str, &str> = message
            .attributes()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        json!({
            "messageId": id(message),
            "receiptHandle": message.receipt_handle(),
            "body": message.body(),
            "attributes": attributes,
            "messageAttributes": {},
            "md5OfBody": message.md5_of_body(),
            "eventSource": "aws:sqs",
            "eventSourceARN": self.arn,
            "awsRegion": REGION,
        })
    }
}

async fn create(
    client: &Client,
    name: &str,
    attributes: HashMap<QueueAttributeName, String>,
) -> Result<String, String> {
    let request = client
        .create_queue()
        .queue_name(name)
        .set_attributes(Some(attributes));
    let created = request.send().await.map_err(|error| detail(&error))?;
    created
        .queue_url
        .ok_or_else(|| format!("{name} has no URL"))
}

async fn arn(client: &Client, url: &str) -> Result<String, String> {
    let request = client.get_queue_attributes().queue_url(url);
    let request = request.attribute_names(QueueAttributeName::QueueArn);
    let answered = request.send().await.map_err(|error| detail(&error))?;
    let arn = answered
        .attributes()
        .and_then(|all| all.get(&QueueAttributeName::QueueArn));
    arn.cloned().ok_or_else(|| format!("{url} has no ARN"))
}

/// All messages of a queue: waiting, and given out but not deleted.
async fn depth(client: &Client, url: &str) -> Result<u64, String> {
    let request = client.get_queue_attributes().queue_url(url);
    let request = request.attribute_names(QueueAttributeName::All);
    let answered = request.send().await.map_err(|error| detail(&error))?;
    let counts = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    ];
    counts
        .iter()
        .map(|name| {
            let count = answered.attributes().and_then(|all| all.get(name));
            count
                .and_then(|count| count.parse::<u64>().ok())
                .ok_or_else(|| format!("{url} does not say its {name}"))
        })
        .sum()
}

/// The ids that the function reported; `None` when the whole batch counts as failed, which is
/// also so when it names no id, or one that was not in the batch.
fn failures(answer: &[u8], messages: &[Message]) -> Option<HashSet<String>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Report {
        #[serde(default)]
        batch_item_failures: Option<Vec<Failure>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Failure {
        item_identifier: String,
    }
    let report: Option<Report> = serde_json::from_slice(answer).ok()?;
    let failures = report
        .and_then(|report| report.batch_item_failures)
        .unwrap_or_default();
    let failed: HashSet<String> = failures
        .into_iter()
        .map(|failure| failure.item_identifier)
        .collect();
    let known = |failed: &String| messages.iter().any(|message| id(message) == failed);
    failed.iter().all(known).then_some(failed)
}

fn id(message: &Message) -> &str {
    message.message_id().unwrap_or_default()
}

/// An error of the SDK says little by itself; what caused it says the rest.
fn detail(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line = format!("{line}: {cause}");
        source = cause.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_fails_as_a_whole_unless_the_report_names_its_messages() {
        let batch = [Message::builder().message_id("a").build()];
        let read = |answer: &str| failures(answer.as_bytes(), &batch);
        assert_eq!(read("null"), Some(HashSet::new()));
        assert_eq!(read(r#"{"batchItemFailures":[]}"#), Some(HashSet::new()));
        let one = Some(HashSet::from([String::from("a")]));
        assert_eq!(
            read(r#"{"batchItemFailures":[{"itemIdentifier":"a"}]}"#),
            one
        );
        assert_eq!(
            read(r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#),
            None
        );
        assert_eq!(
            read(r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#),
            None
        );
        assert_eq!(read("garbage"), None);
    }
}
